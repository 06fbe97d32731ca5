import { type MemoryStorer, type MemoryUser, serverStorerConformance } from "@castellan/testkit";
import { catches, earlier, LONG_AGO, later, roundTrip, wholeSeconds } from "./mutant.ts";

const ownerOf = (storer: MemoryStorer, id: string): string | undefined =>
  [...storer.dump().signIns.values()].find((signIn) => signIn.id === id)?.pid;

catches(serverStorerConformance, {
  "signs in under whatever epoch the user is of": (storer) => ({
    createSignIn: async (key, signIn) => {
      const user = await storer.load(signIn.pid);
      return storer.createSignIn(key, { ...signIn, epoch: user?.epoch ?? signIn.epoch });
    },
  }),
  "checks the epoch first and signs in afterwards": (storer) => ({
    createSignIn: async (key, signIn) => {
      if ((await storer.load(signIn.pid))?.epoch !== signIn.epoch) return false;
      await roundTrip();
      const user = await storer.load(signIn.pid);
      return storer.createSignIn(key, { ...signIn, epoch: user?.epoch ?? 0 });
    },
  }),
  "lets a sign-in live for a millisecond too long": (storer) => ({ findSignIn: (key, now) => storer.findSignIn(key, earlier(now)) }),
  "lets a sign-in die a millisecond too early": (storer) => ({ findSignIn: (key, now) => storer.findSignIn(key, later(now)) }),
  "goes by its own clock": (storer) => ({ findSignIn: (key) => storer.findSignIn(key, new Date()) }),
  "drops milliseconds": (storer) => ({
    createSignIn: (key, signIn) => storer.createSignIn(key, { ...signIn, createdAt: wholeSeconds(signIn.createdAt) }),
  }),
  "forgets the absolute limit": (storer) => ({
    createSignIn: (key, signIn) => storer.createSignIn(key, { ...signIn, endsAt: new Date(8e15) }),
  }),
  "revives a dead sign-in on a touch": (storer) => ({
    touchSignIn: async (key, seenAt, idleEndsAt) => {
      await storer.touchSignIn(key, LONG_AGO, idleEndsAt);
      await storer.touchSignIn(key, seenAt, idleEndsAt);
    },
  }),
  "replaces a sign-in by load, change, save": (storer) => ({
    replaceSignIn: async (key, { key: nextKey, ...changes }, now) => {
      const found = await storer.findSignIn(key, now);
      if (found?.user.epoch !== changes.epoch) return false;
      await roundTrip();
      await storer.endSignIn(key);
      return storer.createSignIn(nextKey, { ...found.signIn, ...changes });
    },
  }),
  "keeps the old key when it replaces a sign-in": (storer) => ({
    replaceSignIn: async (key, { key: nextKey, ...changes }, now) => {
      const found = await storer.findSignIn(key, now);
      return found !== null && storer.createSignIn(nextKey, { ...found.signIn, ...changes });
    },
  }),
  "ends a sign-in for a stranger": (storer) => ({ endSignInOf: (pid, id) => storer.endSignInOf(ownerOf(storer, id) ?? pid, id) }),
  "spares nobody": (storer) => ({ endSignIns: (pid) => storer.endSignIns(pid, null) }),
  "answers that every end ended something": (storer) => ({
    endSignIn: async (key) => {
      await storer.endSignIn(key);
      return true;
    },
  }),
  "lists the oldest first": (storer) => ({ listSignIns: async (pid, now) => [...(await storer.listSignIns(pid, now))].reverse() }),
  "lists dead sign-ins too": (storer) => ({ listSignIns: (pid) => storer.listSignIns(pid, LONG_AGO) }),
  "hands out the same user again and again": (storer) => {
    const cache = new Map<string, MemoryUser | null>();
    return {
      load: async (pid) => {
        if (!cache.get(pid)) cache.set(pid, await storer.load(pid));
        return cache.get(pid) ?? null;
      },
    };
  },
  "keeps what it was given instead of a copy": (storer) => {
    const given = new Map<string, Parameters<MemoryStorer["createSignIn"]>[1]>();
    return {
      createSignIn: (key, signIn) => {
        given.set(key, signIn);
        return storer.createSignIn(key, signIn);
      },
      findSignIn: async (key, now) => {
        const found = await storer.findSignIn(key, now);
        return found && { ...found, signIn: given.get(key) ?? found.signIn };
      },
    };
  },
  "takes logins without regard to case": (storer) => ({
    findByLogin: async (login) => {
      const user = storer.dump().users.find((row) => row.login.toLowerCase() === login.toLowerCase());
      return storer.findByLogin(user?.login ?? login);
    },
  }),
  "loses advances of an epoch": (storer) => ({
    advanceEpoch: async (pid) => {
      const user = await storer.load(pid);
      await roundTrip();
      await storer.advanceEpoch(pid);
      return user && user.epoch + 1;
    },
  }),
  "says that nobody was found when its database is away": (storer) => ({ load: (pid) => storer.load(pid).catch(() => null) }),
  "leaves a declared column out": (storer) => ({ userFields: [...storer.userFields, "nickname"] }),
  "sweeps without a bound": (storer) => ({ sweep: (now) => storer.sweep(now, 1_000) }),
  "sweeps a millisecond too early": (storer) => ({ sweep: (now, limit) => storer.sweep(later(now), limit) }),
});
