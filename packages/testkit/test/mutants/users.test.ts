import { authableConformance, creatingConformance, disableableConformance, type MemoryStorer, type MemoryUser } from "@castellan/testkit";
import { catches, roundTrip, wholeSeconds } from "./mutant.ts";

catches(authableConformance, {
  "checks the epoch first and changes the password afterwards": (storer) => ({
    changePasswordHash: async (pid, from, hash) => {
      if ((await storer.load(pid))?.epoch !== from) return null;
      await roundTrip();
      return storer.setPasswordHash(pid, hash);
    },
  }),
  "changes a password under any epoch": (storer) => ({ changePasswordHash: (pid, _, hash) => storer.setPasswordHash(pid, hash) }),
  "sets a password and leaves the epoch": (storer) => ({
    setPasswordHash: async (pid, hash) => {
      const user = await storer.load(pid);
      return user && (await storer.upgradePasswordHash(pid, String(user.passwordHash), hash)) ? user.epoch : null;
    },
  }),
  "compares the old hash first and replaces it afterwards": (storer) => ({
    upgradePasswordHash: async (pid, from, hash) => {
      if ((await storer.load(pid))?.passwordHash !== from) return false;
      await roundTrip();
      return storer.upgradePasswordHash(pid, String((await storer.load(pid))?.passwordHash), hash);
    },
  }),
  "advances the epoch when it replaces a hash": (storer) => ({
    upgradePasswordHash: async (pid, from, hash) => {
      const upgraded = await storer.upgradePasswordHash(pid, from, hash);
      if (upgraded) await storer.advanceEpoch(pid);
      return upgraded;
    },
  }),
  "compares hashes without regard to case": (storer) => ({
    upgradePasswordHash: async (pid, from, hash) => {
      const stored = (await storer.load(pid))?.passwordHash;
      return storer.upgradePasswordHash(pid, stored?.toLowerCase() === from.toLowerCase() ? stored : from, hash);
    },
  }),
  "takes an empty hash for none": (storer) => ({
    load: async (pid) => {
      const user = await storer.load(pid);
      return user && { ...user, passwordHash: user.passwordHash ?? "" };
    },
  }),
});

catches(creatingConformance, {
  "looks for the login first and makes the user afterwards": (storer) => ({
    createUser: async (user) => {
      if ((await storer.findByLogin(user.login)) || (await storer.load(user.pid))) return false;
      await roundTrip();
      await storer.createUser(user);
      return true;
    },
  }),
  "overwrites a user of the same pid": (storer) => ({
    createUser: async (user) => {
      storer.removeUser(user.pid);
      return storer.createUser(user);
    },
  }),
  "normalises logins itself": (storer) => ({
    createUser: (user) => storer.createUser({ ...user, login: user.login.trim().toLowerCase() }),
  }),
  "lets no two users share an address": (storer) => ({
    createUser: async (user) => !storer.dump().users.some(({ email }) => email === user.email) && storer.createUser(user),
  }),
  "makes an empty address of none": (storer) => ({ createUser: (user) => storer.createUser({ ...user, email: user.email ?? "" }) }),
  "starts at another epoch": (storer) => ({
    createUser: async (user) => (await storer.createUser(user)) && (await storer.advanceEpoch(user.pid)) !== null,
  }),
  "hands out the profile that it was given": (storer) => {
    const profiles = new Map<string, MemoryUser["profile"]>();
    return {
      createUser: (user) => {
        if (!profiles.has(user.pid)) profiles.set(user.pid, user.profile);
        return storer.createUser(user);
      },
      load: async (pid) => {
        const user = await storer.load(pid);
        return user && { ...user, profile: profiles.get(pid) ?? user.profile };
      },
    };
  },
});

/** Keeps who is disabled beside the users, and so without the epoch. */
const disabledBeside = (storer: MemoryStorer): Partial<MemoryStorer> => {
  const disabled = new Map<string, Date>();
  const shown = (user: MemoryUser | null) => user && { ...user, disabledAt: new Date(disabled.get(user.pid) ?? 0) };
  return {
    disableUser: async (pid, now) => {
      if (!(await storer.load(pid))) return false;
      if (!disabled.has(pid)) disabled.set(pid, new Date(now));
      return true;
    },
    enableUser: async (pid) => {
      disabled.delete(pid);
      return (await storer.load(pid)) !== null;
    },
    load: async (pid) => (disabled.has(pid) ? shown(await storer.load(pid)) : storer.load(pid)),
  };
};

catches(disableableConformance, {
  "disables a user and leaves the epoch": disabledBeside,
  "moves the moment of a user who is disabled already": (storer) => ({
    disableUser: async (pid, now) => {
      await storer.enableUser(pid);
      return storer.disableUser(pid, now);
    },
  }),
  "does nothing for a user who is disabled already": (storer) => ({
    disableUser: async (pid, now) => ((await storer.load(pid))?.disabledAt ? true : storer.disableUser(pid, now)),
  }),
  "answers false when a user was not disabled": (storer) => ({
    enableUser: async (pid) => Boolean((await storer.load(pid))?.disabledAt) && storer.enableUser(pid),
  }),
  "answers true for nobody": (storer) => ({
    disableUser: async (pid, now) => {
      await storer.disableUser(pid, now);
      return true;
    },
  }),
  "drops milliseconds": (storer) => ({ disableUser: (pid, now) => storer.disableUser(pid, wholeSeconds(now)) }),
});
