/** Second factors and one-time passwords. @module */
import type { OneTimePasswordOperations, RecoveryCodeOperations, SmsOperations, TotpOperations } from "@castellan/core";
import { type Operation, type Tables, type UserRow, updateUser } from "./tables.ts";

type Operations = TotpOperations & SmsOperations & RecoveryCodeOperations & OneTimePasswordOperations;

/** Hashes without `hash`; `null` when it is not among them. */
const without = (hashes: readonly string[], hash: string): readonly string[] | null =>
  hashes.includes(hash) ? hashes.filter((other) => other !== hash) : null;

const livePasswords = ({ epoch, oneTimePasswords }: UserRow): readonly string[] =>
  oneTimePasswords.epoch === epoch ? oneTimePasswords.hashes : [];

export function factorOperations(tables: Tables, operation: Operation): Operations {
  const { users } = tables;
  /** Turns a factor on or off for a user of `epoch`: the epoch advances in the same step. */
  const change = (pid: string, epoch: number, changes: (user: UserRow) => Partial<UserRow> | null): number | null => {
    const changed = updateUser(tables, pid, (user) => {
      const made = user.epoch === epoch ? changes(user) : null;
      return made && { ...made, epoch: epoch + 1 };
    });
    return changed?.epoch ?? null;
  };

  return {
    enableTotp: operation("enableTotp", (pid, epoch, totp, codes) =>
      change(pid, epoch, (user) => (user.totp ? null : { totp, recoveryCodes: codes ?? user.recoveryCodes })),
    ),
    totpSecretOf: operation("totpSecretOf", (pid) => users.get(pid)?.totp?.secret ?? null),
    acceptTotpStep: operation("acceptTotpStep", (pid, secret, step) => {
      const accepted = updateUser(tables, pid, ({ totp }) =>
        totp?.secret === secret && step > totp.step ? { totp: { ...totp, step } } : null,
      );
      return accepted !== null;
    }),
    resealTotp: operation("resealTotp", (pid, from, to) => {
      return updateUser(tables, pid, ({ totp }) => (totp?.secret === from ? { totp: { ...totp, secret: to } } : null)) !== null;
    }),
    disableTotp: operation("disableTotp", (pid, epoch) => change(pid, epoch, ({ totp }) => totp && { totp: null })),

    enableSms: operation("enableSms", (pid, epoch, smsNumber, codes) =>
      change(pid, epoch, (user) => (user.smsNumber === null ? { smsNumber, recoveryCodes: codes ?? user.recoveryCodes } : null)),
    ),
    disableSms: operation("disableSms", (pid, epoch) =>
      change(pid, epoch, ({ smsNumber }) => (smsNumber === null ? null : { smsNumber: null })),
    ),

    replaceRecoveryCodes: operation("replaceRecoveryCodes", (pid, epoch, recoveryCodes) => {
      return updateUser(tables, pid, (user) => (user.epoch === epoch ? { recoveryCodes } : null)) !== null;
    }),
    consumeRecoveryCode: operation("consumeRecoveryCode", (pid, hash) => {
      const spent = updateUser(tables, pid, (user) => {
        const recoveryCodes = without(user.recoveryCodes, hash);
        return recoveryCodes && { recoveryCodes };
      });
      return spent?.recoveryCodes.length ?? null;
    }),
    countRecoveryCodes: operation("countRecoveryCodes", (pid) => users.get(pid)?.recoveryCodes.length ?? 0),

    addOneTimePassword: operation("addOneTimePassword", (pid, epoch, hash, max) => {
      const added = updateUser(tables, pid, (user) => {
        const live = livePasswords(user);
        if (user.epoch !== epoch || live.length >= max || live.includes(hash)) return null;
        return { oneTimePasswords: { epoch, hashes: [...live, hash] } };
      });
      return added && livePasswords(added).length;
    }),
    countOneTimePasswords: operation("countOneTimePasswords", (pid) => {
      const user = users.get(pid);
      return user ? livePasswords(user).length : 0;
    }),
    consumeOneTimePassword: operation("consumeOneTimePassword", (pid, hash) => {
      const spent = updateUser(tables, pid, (user) => {
        const hashes = without(livePasswords(user), hash);
        return hashes && { oneTimePasswords: { epoch: user.epoch, hashes } };
      });
      return spent !== null;
    }),
    clearOneTimePasswords: operation("clearOneTimePasswords", (pid) => {
      const user = users.get(pid);
      if (!user) return 0;
      updateUser(tables, pid, ({ epoch }) => ({ oneTimePasswords: { epoch, hashes: [] } }));
      return livePasswords(user).length;
    }),
  };
}
