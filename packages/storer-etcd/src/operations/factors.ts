/** Second factors and one-time passwords: fields of the user, so that one step turns a factor on, stores its codes and advances the epoch. @module */
import type { OneTimePasswordOperations, RecoveryCodeOperations, SmsOperations, TotpOperations } from "@castellan/core";
import { type UserRow, userRow } from "../rows.ts";
import { changeUser, rowOf, type Table } from "../table.ts";

type Operations = TotpOperations & SmsOperations & RecoveryCodeOperations & OneTimePasswordOperations;

/** Hashes without `hash`; `null` when it is not among them. */
const without = (hashes: readonly string[], hash: string): readonly string[] | null =>
  hashes.includes(hash) ? hashes.filter((other) => other !== hash) : null;

const livePasswords = ({ epoch, oneTimePasswords }: UserRow): readonly string[] =>
  oneTimePasswords.epoch === epoch ? oneTimePasswords.hashes : [];

export function factorOperations(table: Table): Operations {
  const { store, keys } = table;
  const userOf = async (pid: string): Promise<UserRow | null> => {
    const [entry] = await store.get(keys.user(pid));
    return rowOf(userRow, entry);
  };
  /** Turns a factor on or off for a user of `epoch`: the epoch advances in the same step. */
  const change = async (pid: string, epoch: number, changes: (user: UserRow) => Partial<UserRow> | null): Promise<number | null> => {
    const changed = await changeUser(table, pid, (user) => {
      const made = user.epoch === epoch ? changes(user) : null;
      return made && { ...made, epoch: epoch + 1 };
    });
    return changed?.epoch ?? null;
  };

  return {
    enableTotp: (pid, epoch, totp, codes) =>
      change(pid, epoch, (user) => (user.totp ? null : { totp, recoveryCodes: codes ?? user.recoveryCodes })),
    async totpSecretOf(pid) {
      return (await userOf(pid))?.totp?.secret ?? null;
    },
    async acceptTotpStep(pid, secret, step) {
      const accepted = await changeUser(table, pid, ({ totp }) =>
        totp?.secret === secret && step > totp.step ? { totp: { ...totp, step } } : null,
      );
      return accepted !== null;
    },
    async resealTotp(pid, from, to) {
      return (await changeUser(table, pid, ({ totp }) => (totp?.secret === from ? { totp: { ...totp, secret: to } } : null))) !== null;
    },
    disableTotp: (pid, epoch) => change(pid, epoch, ({ totp }) => totp && { totp: null }),

    enableSms: (pid, epoch, smsNumber, codes) =>
      change(pid, epoch, (user) => (user.smsNumber === null ? { smsNumber, recoveryCodes: codes ?? user.recoveryCodes } : null)),
    disableSms: (pid, epoch) => change(pid, epoch, ({ smsNumber }) => (smsNumber === null ? null : { smsNumber: null })),

    async replaceRecoveryCodes(pid, epoch, recoveryCodes) {
      return (await changeUser(table, pid, (user) => (user.epoch === epoch ? { recoveryCodes } : null))) !== null;
    },
    async consumeRecoveryCode(pid, hash) {
      const spent = await changeUser(table, pid, (user) => {
        const recoveryCodes = without(user.recoveryCodes, hash);
        return recoveryCodes && { recoveryCodes };
      });
      return spent?.recoveryCodes.length ?? null;
    },
    async countRecoveryCodes(pid) {
      return (await userOf(pid))?.recoveryCodes.length ?? 0;
    },

    async addOneTimePassword(pid, epoch, hash, max) {
      const added = await changeUser(table, pid, (user) => {
        const live = livePasswords(user);
        if (user.epoch !== epoch || live.length >= max || live.includes(hash)) return null;
        return { oneTimePasswords: { epoch, hashes: [...live, hash] } };
      });
      return added && livePasswords(added).length;
    },
    async countOneTimePasswords(pid) {
      const user = await userOf(pid);
      return user ? livePasswords(user).length : 0;
    },
    async consumeOneTimePassword(pid, hash) {
      const spent = await changeUser(table, pid, (user) => {
        const hashes = without(livePasswords(user), hash);
        return hashes && { oneTimePasswords: { epoch: user.epoch, hashes } };
      });
      return spent !== null;
    },
    async clearOneTimePasswords(pid) {
      let cleared = 0;
      await changeUser(table, pid, (user) => {
        cleared = livePasswords(user).length;
        return user.oneTimePasswords.hashes.length === 0 ? null : { oneTimePasswords: { epoch: user.epoch, hashes: [] } };
      });
      return cleared;
    },
  };
}
