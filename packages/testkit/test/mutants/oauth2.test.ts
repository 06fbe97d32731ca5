import { type MemoryStorer, oauth2Conformance } from "@castellan/testkit";
import { catches, earlier, LONG_AGO, later, roundTrip, wholeSeconds } from "./mutant.ts";

const identityOf = (storer: MemoryStorer, issuer: string, subject: string) =>
  storer.dump().identities.find((row) => row.issuer === issuer && row.subject === subject);

catches(oauth2Conformance, {
  "makes the user first and the identity afterwards": (storer) => ({
    createUserWithIdentity: async (user, identity) => {
      if (!(await storer.createUser(user))) return false;
      await roundTrip();
      return storer.linkIdentity(user.pid, 0, identity);
    },
  }),
  "looks for the identity first and makes both afterwards": (storer) => ({
    createUserWithIdentity: async (user, identity) => {
      if (await storer.findIdentity(identity.issuer, identity.subject)) return false;
      await roundTrip();
      return (await storer.createUser(user)) && ((await storer.linkIdentity(user.pid, 0, identity)) || true);
    },
  }),
  "links to whatever epoch the user is of": (storer) => ({
    linkIdentity: async (pid, _, identity) => storer.linkIdentity(pid, (await storer.load(pid))?.epoch ?? 0, identity),
  }),
  "says that an identity of the same user was linked": (storer) => ({
    linkIdentity: async (pid, epoch, identity) =>
      (await storer.linkIdentity(pid, epoch, identity)) || identityOf(storer, identity.issuer, identity.subject)?.pid === pid,
  }),
  "looks for the identity first and links it afterwards": (storer) => ({
    linkIdentity: async (pid, epoch, identity) => {
      if (await storer.findIdentity(identity.issuer, identity.subject)) return false;
      await roundTrip();
      await storer.linkIdentity(pid, epoch, identity);
      return (await storer.load(pid))?.epoch === epoch;
    },
  }),
  "finds identities by subject alone": (storer) => ({
    findIdentity: async (_, subject) => storer.dump().identities.find((row) => row.subject === subject) ?? null,
  }),
  "takes no notice of case in a subject": (storer) => ({
    findIdentity: async (issuer, subject) =>
      storer.dump().identities.find((row) => row.issuer === issuer && row.subject.toLowerCase() === subject.toLowerCase()) ?? null,
  }),
  "finds identities of users who are gone": (storer) => ({
    findIdentity: async (issuer, subject) => identityOf(storer, issuer, subject) ?? null,
  }),
  "lists the newest first": (storer) => ({ listIdentities: async (pid) => (await storer.listIdentities(pid)).toReversed() }),
  "lists everybody's": (storer) => ({ listIdentities: async () => storer.dump().identities }),
  "lets the last way in go": (storer) => ({
    unlinkIdentity: async (pid, epoch, issuer, subject, passwordCounts) => {
      const identity = identityOf(storer, issuer, subject);
      if (identity?.pid === pid) await storer.linkIdentity(pid, epoch, { ...identity, issuer: "spare", subject: pid });
      return storer.unlinkIdentity(pid, epoch, issuer, subject, passwordCounts);
    },
  }),
  "counts a password where it does not count": (storer) => ({
    unlinkIdentity: (pid, epoch, issuer, subject) => storer.unlinkIdentity(pid, epoch, issuer, subject, true),
  }),
  "never counts a password": (storer) => ({
    unlinkIdentity: (pid, epoch, issuer, subject) => storer.unlinkIdentity(pid, epoch, issuer, subject, false),
  }),
  "unlinks under any epoch": (storer) => ({
    unlinkIdentity: async (pid, _, issuer, subject, passwordCounts) =>
      storer.unlinkIdentity(pid, (await storer.load(pid))?.epoch ?? 0, issuer, subject, passwordCounts),
  }),
  "advances the epoch and unlinks nothing": (storer) => ({
    unlinkIdentity: async (pid, epoch) => ((await storer.load(pid))?.epoch === epoch ? storer.advanceEpoch(pid) : null),
  }),
  "notes what is said of anybody's identity": (storer) => ({
    noteIdentity: async (pid, said) => storer.noteIdentity(identityOf(storer, said.issuer, said.subject)?.pid ?? pid, said),
  }),
  "forgets the tokens when it notes what was said": (storer) => ({
    noteIdentity: (pid, said) => storer.noteIdentity(pid, { ...said, tokens: null }),
  }),
  "replaces tokens whatever they were": (storer) => ({
    replaceTokens: (pid, issuer, subject, _, to) =>
      storer.replaceTokens(pid, issuer, subject, identityOf(storer, issuer, subject)?.tokens ?? null, to),
  }),
  "drops milliseconds of an identity": (storer) => ({
    linkIdentity: (pid, epoch, identity) => storer.linkIdentity(pid, epoch, { ...identity, linkedAt: wholeSeconds(identity.linkedAt) }),
    createUserWithIdentity: (user, identity) =>
      storer.createUserWithIdentity(user, { ...identity, linkedAt: wholeSeconds(identity.linkedAt) }),
  }),
  "looks at a flow first and removes it afterwards": (storer) => ({
    takeFlow: async (...asked) => {
      const flow = await storer.findFlow(...asked);
      await roundTrip();
      await storer.takeFlow(...asked);
      return flow;
    },
  }),
  "never removes a flow": (storer) => ({ takeFlow: (...asked) => storer.findFlow(...asked) }),
  "removes a flow that is only looked at": (storer) => ({ findFlow: (...asked) => storer.takeFlow(...asked) }),
  "gives a flow to any browser": (storer) => ({
    takeFlow: async (key, _, purpose, now) => {
      const flow = storer.dump().flows.find((row) => row.key === key);
      return storer.takeFlow(key, flow?.browserKey ?? "", purpose, now);
    },
  }),
  "gives a flow for any purpose": (storer) => ({
    takeFlow: async (key, browserKey, _, now) => {
      const flow = storer.dump().flows.find((row) => row.key === key);
      return storer.takeFlow(key, browserKey, flow?.purpose ?? "", now);
    },
  }),
  "removes a flow that another browser asks for": (storer) => ({
    takeFlow: async (key, browserKey, purpose, now) => {
      const flow = storer.dump().flows.find((row) => row.key === key);
      const taken = await storer.takeFlow(key, flow?.browserKey ?? "", flow?.purpose ?? "", now);
      return taken?.browserKey === browserKey && taken.purpose === purpose ? taken : null;
    },
  }),
  "lets a flow live for ever": (storer) => ({
    takeFlow: (key, browserKey, purpose) => storer.takeFlow(key, browserKey, purpose, LONG_AGO),
  }),
  "lets a flow live for a millisecond too long": (storer) => ({
    takeFlow: (key, browserKey, purpose, now) => storer.takeFlow(key, browserKey, purpose, earlier(now)),
  }),
  "lets a flow live for a millisecond too short": (storer) => ({
    takeFlow: (key, browserKey, purpose, now) => storer.takeFlow(key, browserKey, purpose, later(now)),
  }),
  "sweeps a live flow": (storer) => ({ sweep: (now, limit) => storer.sweep(later(now), limit) }),
  "sweeps no flow": () => ({ sweep: async () => 0 }),
});
