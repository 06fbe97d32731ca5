/** Second factors and one-time passwords, all of them in the user's document. @module */
import type { NewTotp, OneTimePasswordOperations, RecoveryCodeOperations, SmsOperations, TotpOperations } from "@castellan/core";
import type { Filter, UpdateFilter } from "mongodb";
import { advancing, type Collections, EPOCH } from "../collections.ts";
import type { UserRow } from "../rows.ts";
import { IS_NOT_NULL, IS_NULL, is, isNot, isNumber, moment, text, texts, whole } from "../values.ts";

type Operations = TotpOperations & SmsOperations & RecoveryCodeOperations & OneTimePasswordOperations;

const totpOf = ({ secret, step, enabledAt }: NewTotp): NewTotp => ({
  secret: text(secret),
  step: whole(step),
  enabledAt: moment(enabledAt),
});

export function factorOperations({ users }: Collections): Operations {
  const ofEpoch = (pid: string, epoch: number) => ({ _id: is(pid), epoch: isNumber(epoch) });
  const advance = async (filter: Filter<UserRow>, update: UpdateFilter<UserRow>): Promise<number | null> =>
    (await users.findOneAndUpdate(filter, update, EPOCH))?.epoch ?? null;
  const change = async (filter: Filter<UserRow>, update: UpdateFilter<UserRow>): Promise<boolean> =>
    (await users.updateOne(filter, update)).matchedCount > 0;
  const codes = (hashes: readonly string[] | null) => (hashes === null ? {} : { recoveryCodes: texts(hashes) });

  return {
    enableTotp: (pid, epoch, totp, hashes) =>
      advance({ ...ofEpoch(pid, epoch), totp: IS_NULL }, advancing({ totp: totpOf(totp), ...codes(hashes) })),
    async totpSecretOf(pid) {
      const user = await users.findOne({ _id: is(pid) }, { projection: { "totp.secret": 1 } });
      return user?.totp?.secret ?? null;
    },
    acceptTotpStep: (pid, secret, step) =>
      change({ _id: is(pid), "totp.secret": is(secret), "totp.step": { $lt: whole(step) } }, { $set: { "totp.step": step } }),
    resealTotp: (pid, from, to) => change({ _id: is(pid), "totp.secret": is(from) }, { $set: { "totp.secret": text(to) } }),
    disableTotp: (pid, epoch) => advance({ ...ofEpoch(pid, epoch), totp: IS_NOT_NULL }, advancing({ totp: null })),

    enableSms: (pid, epoch, number, hashes) =>
      advance({ ...ofEpoch(pid, epoch), smsNumber: IS_NULL }, advancing({ smsNumber: text(number), ...codes(hashes) })),
    disableSms: (pid, epoch) => advance({ ...ofEpoch(pid, epoch), smsNumber: IS_NOT_NULL }, advancing({ smsNumber: null })),

    replaceRecoveryCodes: (pid, epoch, hashes) => change(ofEpoch(pid, epoch), { $set: { recoveryCodes: texts(hashes) } }),
    async consumeRecoveryCode(pid, hash) {
      const spent = await users.findOneAndUpdate(
        { _id: is(pid), recoveryCodes: is(hash) },
        { $pull: { recoveryCodes: is(hash) } },
        { returnDocument: "after", projection: { recoveryCodes: 1 } },
      );
      return spent?.recoveryCodes.length ?? null;
    },
    async countRecoveryCodes(pid) {
      return (await users.findOne({ _id: is(pid) }, { projection: { recoveryCodes: 1 } }))?.recoveryCodes.length ?? 0;
    },

    async addOneTimePassword(pid, epoch, hash, max) {
      if (whole(max) < 1) return null;
      // The last place that there is must be free.
      const filter = { ...ofEpoch(pid, epoch), oneTimePasswords: isNot(hash), [`oneTimePasswords.${max - 1}`]: { $exists: false } };
      const added = await users.findOneAndUpdate(
        filter,
        { $push: { oneTimePasswords: hash } },
        { returnDocument: "after", projection: { oneTimePasswords: 1 } },
      );
      return added?.oneTimePasswords.length ?? null;
    },
    async countOneTimePasswords(pid) {
      return (await users.findOne({ _id: is(pid) }, { projection: { oneTimePasswords: 1 } }))?.oneTimePasswords.length ?? 0;
    },
    consumeOneTimePassword: (pid, hash) => change({ _id: is(pid), oneTimePasswords: is(hash) }, { $pull: { oneTimePasswords: is(hash) } }),
    async clearOneTimePasswords(pid) {
      const before = await users.findOneAndUpdate(
        { _id: is(pid) },
        { $set: { oneTimePasswords: [] } },
        { returnDocument: "before", projection: { oneTimePasswords: 1 } },
      );
      return before?.oneTimePasswords.length ?? 0;
    },
  };
}
