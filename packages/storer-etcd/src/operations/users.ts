/** Users: looking up, making, passwords, epochs, disabling, removing. @module */
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
import { text } from "../codec.ts";
import { type AttemptRow, attemptRow, identityRow, type UserRow, userRow } from "../rows.ts";
import { put, remove, removeAll, type View } from "../store.ts";
import { changeUser, putRow, rowOf, type Table } from "../table.ts";

/** The users of an etcd storer. */
export interface EtcdUser extends EveryUser {
  readonly createdAt: Date;
}

export const userFields: readonly string[] = [...everyUserFields, "createdAt"];

/** How many leads to identities go with their user: as many as fit in one transaction. A further one leads to nothing, and so is nobody's. */
const MOST_LEADS = 100;

/** A user as it is handed out: secrets stay inside, and the lock of the user's subject stands beside. */
export function userOf(row: UserRow, attempts: AttemptRow | null): EtcdUser {
  const { totp, recoveryCodes: _, oneTimePasswords: __, ...user } = row;
  const lock = attempts?.lock ?? null;
  return { ...user, lockedUntil: lock?.until ?? null, lockedBy: lock?.by ?? null, totpEnabledAt: totp?.enabledAt ?? null };
}

const newRow = (user: NewUser): UserRow => ({
  ...user,
  epoch: 0,
  disabledAt: null,
  confirmedAt: null,
  secondaryEmails: [],
  totp: null,
  smsNumber: null,
  recoveryCodes: [],
  oneTimePasswords: { epoch: 0, hashes: [] },
});

/** Makes a user of epoch 0 in a transaction. Answers `false` when the login or the pid is taken. */
export async function makeUser(view: View, { keys }: Table, user: NewUser): Promise<boolean> {
  const [byPid, byLogin] = [keys.user(user.pid), keys.login(user.login)];
  const taken = await view.get(byPid, byLogin);
  if (taken.some((entry) => entry !== null)) return false;
  view.change(putRow(byPid, userRow, newRow(user)), put(byLogin, text.read(text.write(user.pid))));
  return true;
}

type UserOperations = Pick<ServerStorer<EtcdUser>, "load" | "findByLogin" | "advanceEpoch"> &
  AuthOperations &
  CreateOperations &
  DisableOperations &
  SecondaryEmailOperations & {
    /** Deletes a user and all that belongs to them; their login is free again. Answers whether there was such a user. */
    removeUser(pid: string): Promise<boolean>;
  };

export function userOperations(table: Table): UserOperations {
  const { store, keys } = table;
  const load = async (pid: string): Promise<EtcdUser | null> => {
    const [user, attempts] = await store.get(keys.user(pid), keys.attemptsOfUser(pid));
    const row = rowOf(userRow, user);
    return row && userOf(row, rowOf(attemptRow, attempts));
  };

  return {
    load,
    async findByLogin(login) {
      const [holder] = await store.get(keys.login(login));
      // Looked up all the same where nobody has the login, so that both take their time.
      const user = await load(holder?.value ?? login);
      return holder && user?.login === login ? user : null;
    },
    async advanceEpoch(pid) {
      return (await changeUser(table, pid, ({ epoch }) => ({ epoch: epoch + 1 })))?.epoch ?? null;
    },
    createUser: (user) => store.decide(keys.login(user.login), (view) => makeUser(view, table, user)),

    async changePasswordHash(pid, from, passwordHash) {
      const changed = await changeUser(table, pid, ({ epoch }) => (epoch === from ? { passwordHash, epoch: epoch + 1 } : null));
      return changed?.epoch ?? null;
    },
    async setPasswordHash(pid, passwordHash) {
      return (await changeUser(table, pid, ({ epoch }) => ({ passwordHash, epoch: epoch + 1 })))?.epoch ?? null;
    },
    async upgradePasswordHash(pid, from, passwordHash) {
      return (await changeUser(table, pid, (user) => (user.passwordHash === from ? { passwordHash } : null))) !== null;
    },

    async disableUser(pid, now) {
      return (await changeUser(table, pid, ({ epoch, disabledAt }) => ({ disabledAt: disabledAt ?? now, epoch: epoch + 1 }))) !== null;
    },
    async enableUser(pid) {
      return (await changeUser(table, pid, () => ({ disabledAt: null }))) !== null;
    },
    async setSecondaryEmails(pid, secondaryEmails) {
      return (await changeUser(table, pid, () => ({ secondaryEmails }))) !== null;
    },

    removeUser: (pid) =>
      store.decide(keys.user(pid), async (view) => {
        const key = keys.user(pid);
        const { listed, got } = await view.list(keys.allIdentitiesOf(pid), MOST_LEADS, key);
        const user = rowOf(userRow, got[0]);
        if (!user) return false;
        // Nothing else would remove them: identities have no end.
        const leads = listed
          .flatMap((entry) => rowOf(identityRow, entry) ?? [])
          .map(({ issuer, subject }) => keys.identity(issuer, subject));
        const own = [
          keys.signInsOf(pid),
          keys.challengesOf(pid, null),
          keys.allLinksOf(pid),
          keys.allSeriesOf(pid),
          keys.allTrustedOf(pid),
          keys.allIdentitiesOf(pid),
        ];
        view.change(
          remove(key),
          remove(keys.login(user.login)),
          remove(keys.attemptsOfUser(pid)),
          ...leads.map(remove),
          ...own.flatMap((range) => removeAll(range)),
        );
        return true;
      }),
  };
}
