/** Second factors: the capabilities "totp", "sms" and "recovery-codes". @module */
import type { RecoveryCodeOperations, SmsOperations, TotpOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

interface Epoch {
  readonly epoch: number;
}

/** Recovery codes are a JSON array of hashes in the row of the user, so that one statement turns a factor on and stores them. `codes`: `null` leaves them alone. */
export interface FactorStatements {
  readonly enableTotp: Statement<
    [pid: string, epoch: number, secret: string, step: number, enabledAt: number, codes: string | null],
    Epoch
  >;
  readonly totpSecretOf: Statement<[pid: string], { readonly totp_secret: string | null }>;
  readonly acceptTotpStep: Statement<[pid: string, secret: string, step: number]>;
  readonly resealTotp: Statement<[pid: string, from: string, to: string]>;
  readonly disableTotp: Statement<[pid: string, epoch: number], Epoch>;
  readonly enableSms: Statement<[pid: string, epoch: number, number: string, codes: string | null], Epoch>;
  readonly disableSms: Statement<[pid: string, epoch: number], Epoch>;
  readonly replaceRecoveryCodes: Statement<[pid: string, epoch: number, codes: string]>;
  readonly consumeRecoveryCode: Statement<[pid: string, hash: string], { readonly left_over: number }>;
  readonly countRecoveryCodes: Statement<[pid: string], { readonly codes: number }>;
}

const textOf = (codes: readonly string[] | null): string | null => codes && JSON.stringify(codes);

export function factorOperations(database: Database, sql: FactorStatements): TotpOperations & SmsOperations & RecoveryCodeOperations {
  return {
    async enableTotp(pid, epoch, { secret, step, enabledAt }, codes) {
      return (await database.first(sql.enableTotp, pid, epoch, secret, step, enabledAt.getTime(), textOf(codes)))?.epoch ?? null;
    },
    async totpSecretOf(pid) {
      return (await database.first(sql.totpSecretOf, pid))?.totp_secret ?? null;
    },
    async acceptTotpStep(pid, secret, step) {
      return (await database.change(sql.acceptTotpStep, pid, secret, step)) > 0;
    },
    async resealTotp(pid, from, to) {
      return (await database.change(sql.resealTotp, pid, from, to)) > 0;
    },
    async disableTotp(pid, epoch) {
      return (await database.first(sql.disableTotp, pid, epoch))?.epoch ?? null;
    },
    async enableSms(pid, epoch, number, codes) {
      return (await database.first(sql.enableSms, pid, epoch, number, textOf(codes)))?.epoch ?? null;
    },
    async disableSms(pid, epoch) {
      return (await database.first(sql.disableSms, pid, epoch))?.epoch ?? null;
    },
    async replaceRecoveryCodes(pid, epoch, hashes) {
      return (await database.change(sql.replaceRecoveryCodes, pid, epoch, JSON.stringify(hashes))) > 0;
    },
    async consumeRecoveryCode(pid, hash) {
      return (await database.first(sql.consumeRecoveryCode, pid, hash))?.left_over ?? null;
    },
    async countRecoveryCodes(pid) {
      return (await database.first(sql.countRecoveryCodes, pid))?.codes ?? 0;
    },
  };
}
