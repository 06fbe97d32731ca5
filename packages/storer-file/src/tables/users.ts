/** Users: looking up, making, passwords, epochs, disabling. @module */
import type {
  AuthOperations,
  CreateOperations,
  DisableOperations,
  EveryUser,
  NewUser,
  SecondaryEmailOperations,
  ServerStorer,
} from "@castellan/core";
import { type Operation, type Tables, type UserRow, updateUser } from "./tables.ts";

/** The users of these tables: they have every field that core's capabilities ask for. */
export type TableUser = EveryUser;

/** A user as it is handed out: what core does not ask for stays inside, and the lock of its subject stands beside. */
export function userOf({ attempts }: Tables, row: UserRow): TableUser {
  const { createdAt: _, totp, recoveryCodes: __, oneTimePasswords: ___, ...user } = row;
  const lock = attempts.get(`pid:${user.pid}`)?.lock ?? null;
  return { ...user, lockedUntil: lock?.until ?? null, lockedBy: lock?.by ?? null, totpEnabledAt: totp?.enabledAt ?? null };
}

type UserOperations = Pick<ServerStorer<TableUser>, "load" | "findByLogin" | "advanceEpoch"> &
  AuthOperations &
  CreateOperations &
  DisableOperations &
  SecondaryEmailOperations;

/** Makes a user of epoch 0. Answers `false` when the login or the pid is taken. */
export function makeUser({ users }: Tables, user: NewUser): boolean {
  if (users.has(user.pid) || [...users.values()].some(({ login }) => login === user.login)) return false;
  users.set(user.pid, {
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
  return true;
}

export function userOperations(tables: Tables, operation: Operation): UserOperations {
  const { users } = tables;
  const withLogin = (login: string) => [...users.values()].find((user) => user.login === login);

  return {
    load: operation("load", (pid) => {
      const user = users.get(pid);
      return user ? userOf(tables, user) : null;
    }),
    findByLogin: operation("findByLogin", (login) => {
      const user = withLogin(login);
      return user ? userOf(tables, user) : null;
    }),
    advanceEpoch: operation("advanceEpoch", (pid) => updateUser(tables, pid, ({ epoch }) => ({ epoch: epoch + 1 }))?.epoch ?? null),

    createUser: operation("createUser", (user) => makeUser(tables, user)),

    changePasswordHash: operation("changePasswordHash", (pid, from, passwordHash) => {
      const changed = updateUser(tables, pid, ({ epoch }) => (epoch === from ? { passwordHash, epoch: epoch + 1 } : null));
      return changed?.epoch ?? null;
    }),
    setPasswordHash: operation("setPasswordHash", (pid, passwordHash) => {
      return updateUser(tables, pid, ({ epoch }) => ({ passwordHash, epoch: epoch + 1 }))?.epoch ?? null;
    }),
    upgradePasswordHash: operation("upgradePasswordHash", (pid, from, passwordHash) => {
      return updateUser(tables, pid, (user) => (user.passwordHash === from ? { passwordHash } : null)) !== null;
    }),

    disableUser: operation("disableUser", (pid, now) => {
      return updateUser(tables, pid, ({ epoch, disabledAt }) => ({ disabledAt: disabledAt ?? now, epoch: epoch + 1 })) !== null;
    }),
    setSecondaryEmails: operation(
      "setSecondaryEmails",
      (pid, secondaryEmails) => updateUser(tables, pid, () => ({ secondaryEmails })) !== null,
    ),
    enableUser: operation("enableUser", (pid) => updateUser(tables, pid, () => ({ disabledAt: null })) !== null),
  };
}
