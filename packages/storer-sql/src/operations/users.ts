/** Users: the capabilities "authable", "creating" and "disableable", and the look-ups of "server". @module */
import {
  type AuthOperations,
  type CreateOperations,
  type DisableOperations,
  type EveryUser,
  everyUserFields,
  type SecondaryEmailOperations,
  type ServerStorer,
} from "@castellan/core";
import type { Database, Statement } from "../database.ts";
import { isProfile, isTexts, storedIn } from "./json.ts";

/** The users of an SQL storer. */
export interface SqlUser extends EveryUser {
  readonly createdAt: Date;
}

export const userFields: readonly string[] = [...everyUserFields, "createdAt"];

/** A user as the database answers it; every query of users names its columns so. */
export interface UserRow {
  readonly pid: string;
  readonly login: string;
  readonly epoch: number;
  readonly password_hash: string | null;
  readonly email: string | null;
  readonly profile: string;
  readonly disabled_at: number | null;
  readonly confirmed_at: number | null;
  readonly locked_until: number | null;
  readonly locked_by: string | null;
  readonly secondary_emails: string;
  readonly totp_enabled_at: number | null;
  readonly sms_number: string | null;
  readonly user_created_at: number;
}

export interface UserStatements {
  readonly load: Statement<[pid: string], UserRow>;
  readonly findByLogin: Statement<[login: string], UserRow>;
  readonly advanceEpoch: Statement<[pid: string], { readonly epoch: number }>;
  readonly createUser: Statement<
    [pid: string, login: string, email: string | null, passwordHash: string | null, profile: string, createdAt: number]
  >;
  readonly changePasswordHash: Statement<[pid: string, from: number, passwordHash: string], { readonly epoch: number }>;
  readonly setPasswordHash: Statement<[pid: string, passwordHash: string], { readonly epoch: number }>;
  readonly upgradePasswordHash: Statement<[pid: string, from: string, passwordHash: string]>;
  readonly disableUser: Statement<[pid: string, now: number]>;
  readonly enableUser: Statement<[pid: string]>;
  readonly setSecondaryEmails: Statement<[pid: string, addresses: string]>;
}

const dateOf = (milliseconds: number | null): Date | null => (milliseconds === null ? null : new Date(milliseconds));

export function userOf(row: UserRow): SqlUser {
  return {
    pid: row.pid,
    login: row.login,
    epoch: row.epoch,
    passwordHash: row.password_hash,
    email: row.email,
    profile: storedIn("castellan_user.profile", row.profile, isProfile),
    disabledAt: dateOf(row.disabled_at),
    confirmedAt: dateOf(row.confirmed_at),
    lockedUntil: dateOf(row.locked_until),
    lockedBy: row.locked_by,
    secondaryEmails: row.secondary_emails === "[]" ? [] : storedIn("castellan_user.secondary_emails", row.secondary_emails, isTexts),
    totpEnabledAt: dateOf(row.totp_enabled_at),
    smsNumber: row.sms_number,
    createdAt: new Date(row.user_created_at),
  };
}

type UserOperations = Pick<ServerStorer<SqlUser>, "load" | "findByLogin" | "advanceEpoch"> &
  AuthOperations &
  CreateOperations &
  DisableOperations &
  SecondaryEmailOperations;

export function userOperations(database: Database, sql: UserStatements): UserOperations {
  return {
    async load(pid) {
      const row = await database.first(sql.load, pid);
      return row && userOf(row);
    },
    async findByLogin(login) {
      const row = await database.first(sql.findByLogin, login);
      return row && userOf(row);
    },
    async advanceEpoch(pid) {
      return (await database.first(sql.advanceEpoch, pid))?.epoch ?? null;
    },
    async createUser({ pid, login, email, passwordHash, profile, createdAt }) {
      return database.claim(sql.createUser, pid, login, email, passwordHash, JSON.stringify(profile), createdAt.getTime());
    },
    async changePasswordHash(pid, from, passwordHash) {
      return (await database.first(sql.changePasswordHash, pid, from, passwordHash))?.epoch ?? null;
    },
    async setPasswordHash(pid, passwordHash) {
      return (await database.first(sql.setPasswordHash, pid, passwordHash))?.epoch ?? null;
    },
    async upgradePasswordHash(pid, from, passwordHash) {
      return (await database.change(sql.upgradePasswordHash, pid, from, passwordHash)) > 0;
    },
    async disableUser(pid, now) {
      return (await database.change(sql.disableUser, pid, now.getTime())) > 0;
    },
    async enableUser(pid) {
      return (await database.change(sql.enableUser, pid)) > 0;
    },
    async setSecondaryEmails(pid, addresses) {
      return (await database.change(sql.setSecondaryEmails, pid, JSON.stringify(addresses))) > 0;
    },
  };
}
