/** Users: looking them up, making and removing them, passwords, epochs, disabling. @module */
import {
  type AuthOperations,
  type CreateOperations,
  type DisableOperations,
  type EveryUser,
  everyUserFields,
  type NewUser,
  type SecondaryEmailOperations,
  type ServerStorer,
} from "@castellan/core";
import { advancing, type Collections, EPOCH, unlessTaken } from "../collections.ts";
import type { UserRow } from "../rows.ts";
import { is, isNumber, moment, text, textOrNull, texts } from "../values.ts";
import { linksId, PURPOSES } from "./links.ts";

/** The users of a MongoDB storer. */
export interface MongoUser extends EveryUser {
  readonly createdAt: Date;
}

export const userFields: readonly string[] = [...everyUserFields, "createdAt"];

/** What stays in the database when a user is looked up. */
const KEPT_BACK = ["identities", "recoveryCodes", "oneTimePasswords", "totp.secret"] as const;

/** The projection that leaves it there; `path` is where the user stands in what is answered. */
export const shown = (path = ""): Record<string, 0> => Object.fromEntries(KEPT_BACK.map((field) => [`${path}${field}`, 0]));

export type ShownUser = Omit<UserRow, "identities" | "recoveryCodes" | "oneTimePasswords">;

export const userOf = (row: ShownUser): MongoUser => ({
  pid: row._id,
  login: row.login,
  epoch: row.epoch,
  passwordHash: row.passwordHash,
  email: row.email,
  profile: Object.fromEntries(row.profile),
  disabledAt: row.disabledAt,
  confirmedAt: row.confirmedAt,
  lockedUntil: row.attempts?.lock?.until ?? null,
  lockedBy: row.attempts?.lock?.by ?? null,
  secondaryEmails: row.secondaryEmails,
  totpEnabledAt: row.totp?.enabledAt ?? null,
  smsNumber: row.smsNumber,
  createdAt: row.createdAt,
});

export const newUserRow = (user: NewUser): UserRow => ({
  _id: text(user.pid),
  login: text(user.login),
  email: textOrNull(user.email),
  passwordHash: textOrNull(user.passwordHash),
  profile: Object.entries(user.profile).map(([name, value]) => [text(name), text(value)] as const),
  epoch: 0,
  createdAt: moment(user.createdAt),
  disabledAt: null,
  confirmedAt: null,
  secondaryEmails: [],
  totp: null,
  smsNumber: null,
  recoveryCodes: [],
  oneTimePasswords: [],
  identities: [],
});

type UserOperations = Pick<ServerStorer<MongoUser>, "load" | "findByLogin" | "advanceEpoch"> &
  AuthOperations &
  CreateOperations &
  DisableOperations &
  SecondaryEmailOperations & {
    /** Deletes a user and all that belongs to them; their login is free again. Answers whether there was such a user. */
    removeUser(pid: string): Promise<boolean>;
  };

export function userOperations(collections: Collections): UserOperations {
  const { users } = collections;
  const find = async (filter: { readonly _id: { $eq: string } } | { readonly login: { $eq: string } }): Promise<MongoUser | null> => {
    const row = await users.findOne<ShownUser>(filter, { projection: shown() });
    return row && userOf(row);
  };

  return {
    load: (pid) => find({ _id: is(pid) }),
    findByLogin: (login) => find({ login: is(login) }),
    async advanceEpoch(pid) {
      return (await users.findOneAndUpdate({ _id: is(pid) }, advancing(), EPOCH))?.epoch ?? null;
    },
    async createUser(user) {
      return (await unlessTaken(() => users.insertOne(newUserRow(user)))) !== null;
    },
    async removeUser(pid) {
      const { sign_ins, challenges, links, series, trusted_browsers } = collections;
      // Dead from here on, so that nothing of theirs would live again under a later user of this pid, wherever this ends.
      if (!(await users.findOneAndUpdate({ _id: is(pid) }, advancing(), EPOCH))) return false;
      for (const rows of [sign_ins, challenges, series, trusted_browsers]) await rows.deleteMany({ pid: is(pid) });
      await links.deleteMany({ _id: { $in: PURPOSES.map((purpose) => linksId(purpose, pid)) } });
      return (await users.deleteOne({ _id: is(pid) })).deletedCount > 0;
    },

    async changePasswordHash(pid, from, passwordHash) {
      const changed = await users.findOneAndUpdate(
        { _id: is(pid), epoch: isNumber(from) },
        advancing({ passwordHash: text(passwordHash) }),
        EPOCH,
      );
      return changed?.epoch ?? null;
    },
    async setPasswordHash(pid, passwordHash) {
      return (await users.findOneAndUpdate({ _id: is(pid) }, advancing({ passwordHash: text(passwordHash) }), EPOCH))?.epoch ?? null;
    },
    async upgradePasswordHash(pid, from, passwordHash) {
      const update = { $set: { passwordHash: text(passwordHash) } };
      return (await users.updateOne({ _id: is(pid), passwordHash: is(from) }, update)).matchedCount > 0;
    },

    async disableUser(pid, now) {
      const disabling = {
        $set: {
          disabledAt: { $ifNull: ["$disabledAt", moment(now)] },
          epoch: { $add: ["$epoch", 1] },
          oneTimePasswords: [],
        },
      };
      return (await users.updateOne({ _id: is(pid) }, [disabling])).matchedCount > 0;
    },
    async enableUser(pid) {
      return (await users.updateOne({ _id: is(pid) }, { $set: { disabledAt: null } })).matchedCount > 0;
    },
    async setSecondaryEmails(pid, addresses) {
      return (await users.updateOne({ _id: is(pid) }, { $set: { secondaryEmails: texts(addresses) } })).matchedCount > 0;
    },
  };
}
