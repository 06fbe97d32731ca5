import type { MailedToken, TokenProof } from "@castellan/core";
import { confirmableConformance, type MemoryStorer, recoverableConformance, secondaryEmailsConformance } from "@castellan/testkit";
import { catches, earlier, later, roundTrip, wholeSeconds } from "./mutant.ts";

type Purpose = "confirm" | "recover" | "unlock";

/** The link that a proof opens, whatever its end and its epoch. */
const linkOf = (storer: MemoryStorer, { selector, verifierHash }: TokenProof, purpose?: Purpose): MailedToken | undefined =>
  storer
    .dump()
    .links.find(
      (link) => link.selector === selector && link.verifierHash === verifierHash && (purpose === undefined || link.purpose === purpose),
    );

/** Keeps confirmation links by itself: `keep` puts a new one to those that there are. */
const confirmationsKept = (keep: (kept: MailedToken[], token: MailedToken) => Promise<void> | void) => (storer: MemoryStorer) => {
  const kept: MailedToken[] = [];
  return {
    startConfirmation: async (token: MailedToken) => {
      await storer.startConfirmation(token);
      await keep(kept, token);
    },
    finishConfirmation: async (proof: TokenProof, now: Date) => {
      const token = kept.find(({ selector }) => selector === proof.selector);
      if (!token) return null;
      await storer.startConfirmation(token);
      return storer.finishConfirmation(proof, now);
    },
  };
};

const dropOf = (kept: MailedToken[], pid: string): void => {
  kept.splice(0, kept.length, ...kept.filter((token) => token.pid !== pid));
};

catches(confirmableConformance, {
  "looks for the link first and confirms afterwards": (storer) => ({
    finishConfirmation: async (proof, now) => {
      const link = linkOf(storer, proof, "confirm");
      const user = link && (await storer.load(link.pid));
      if (!user || user.confirmedAt || user.epoch !== link.epoch || user.email !== link.destination || link.expiresAt <= now) return null;
      await roundTrip();
      await storer.confirmUser(user.pid, link.destination, now);
      return { pid: user.pid };
    },
  }),
  "lets a link live for a millisecond too long": (storer) => ({
    finishConfirmation: async (proof, now) => {
      const link = linkOf(storer, proof, "confirm");
      return storer.finishConfirmation(proof, link?.expiresAt.getTime() === now.getTime() ? earlier(now) : now);
    },
  }),
  "lets a link die a millisecond too early": (storer) => ({
    finishConfirmation: async (proof, now) => {
      const link = linkOf(storer, proof, "confirm");
      return link && link.expiresAt <= later(now) ? null : storer.finishConfirmation(proof, now);
    },
  }),
  "makes links under whatever epoch the user is of": (storer) => ({
    startConfirmation: async (token) => storer.startConfirmation({ ...token, epoch: (await storer.load(token.pid))?.epoch ?? 0 }),
  }),
  "ignores the epoch that has advanced since": (storer) => ({
    finishConfirmation: async (proof, now) => {
      const link = linkOf(storer, proof, "confirm");
      const user = link && (await storer.load(link.pid));
      if (user && user.epoch > link.epoch) await storer.startConfirmation({ ...link, epoch: user.epoch });
      return storer.finishConfirmation(proof, now);
    },
  }),
  "takes any verifier": (storer) => ({
    finishConfirmation: async ({ selector }, now) => {
      const link = storer.dump().links.find((row) => row.selector === selector);
      return link ? storer.finishConfirmation(link, now) : null;
    },
  }),
  "takes a link of any purpose": (storer) => ({
    finishConfirmation: async (proof, now) => {
      const link = linkOf(storer, proof);
      if (link) await storer.startConfirmation(link);
      return storer.finishConfirmation(proof, now);
    },
  }),
  "lets older links work too": confirmationsKept((kept, token) => {
    kept.push(token);
  }),
  "lets the oldest link work": confirmationsKept((kept, token) => {
    if (!kept.some(({ pid }) => pid === token.pid)) kept.push(token);
  }),
  "removes the old link first and stores the new one afterwards": confirmationsKept(async (kept, token) => {
    dropOf(kept, token.pid);
    await roundTrip();
    kept.push(token);
  }),
  "brings an older link back when the newest has expired": (storer) => {
    const older = new Map<string, MailedToken>();
    return {
      startConfirmation: async (token) => {
        const old = storer.dump().links.find(({ pid, purpose }) => pid === token.pid && purpose === "confirm");
        if (old) older.set(old.selector, old);
        await storer.startConfirmation(token);
      },
      finishConfirmation: async (proof, now) => {
        const old = older.get(proof.selector);
        const hasNewer = storer.dump().links.some(({ pid, purpose }) => pid === old?.pid && purpose === "confirm");
        if (old && !hasNewer) await storer.startConfirmation(old);
        return storer.finishConfirmation(proof, now);
      },
    };
  },
  "confirms another address than the one that was proved": (storer) => ({
    startConfirmation: async (token) =>
      storer.startConfirmation({ ...token, destination: (await storer.load(token.pid))?.email ?? token.destination }),
    confirmUser: async (pid, _, now) => storer.confirmUser(pid, String((await storer.load(pid))?.email), now),
  }),
  "compares addresses without regard to case": (storer) => ({
    startConfirmation: (token) => storer.startConfirmation({ ...token, destination: token.destination.toLowerCase() }),
    confirmUser: (pid, address, now) => storer.confirmUser(pid, address.toLowerCase(), now),
  }),
  "advances the epoch": (storer) => ({
    finishConfirmation: async (proof, now) => {
      const done = await storer.finishConfirmation(proof, now);
      if (done) await storer.advanceEpoch(done.pid);
      return done;
    },
  }),
  "drops milliseconds": (storer) => ({
    confirmUser: (pid, address, now) => storer.confirmUser(pid, address, wholeSeconds(now)),
  }),
  "forgets the date in one of the look-ups": (storer) => ({
    findSignIn: async (key, now) => {
      const found = await storer.findSignIn(key, now);
      return found && { ...found, user: { ...found.user, confirmedAt: null } };
    },
  }),
  "answers false for one who is confirmed already": (storer) => ({
    confirmUser: async (pid, address, now) => !(await storer.load(pid))?.confirmedAt && storer.confirmUser(pid, address, now),
  }),
  "says that a link is dead when its database is away": (storer) => ({
    finishConfirmation: (proof, now) => storer.finishConfirmation(proof, now).catch(() => null),
  }),
});

/** Keeps recovery links by itself, each under a name that `nameOf` gives it. */
const recoveriesKept =
  (
    nameOf: (token: MailedToken, place: number) => string,
    clear = async (_kept: Map<string, MailedToken>, _pids: ReadonlySet<string>) => {},
  ) =>
  (storer: MemoryStorer) => {
    const kept = new Map<string, MailedToken>();
    const put = async ({ selector }: TokenProof) => {
      const token = [...kept.values()].find((one) => one.selector === selector);
      if (token) await storer.startRecovery([token]);
      return token !== undefined;
    };
    return {
      startRecovery: async (tokens: readonly MailedToken[]) => {
        await storer.startRecovery(tokens);
        await clear(kept, new Set(tokens.map(({ pid }) => pid)));
        for (const [place, token] of tokens.entries()) kept.set(nameOf(token, place), token);
      },
      findRecovery: async (proof: TokenProof, now: Date) => ((await put(proof)) ? storer.findRecovery(proof, now) : null),
      finishRecovery: async (proof: TokenProof, hash: string, now: Date) =>
        (await put(proof)) ? storer.finishRecovery(proof, hash, now) : null,
    };
  };

catches(recoverableConformance, {
  "looks for the link first and sets the password afterwards": (storer) => ({
    finishRecovery: async (proof, hash, now) => {
      const found = await storer.findRecovery(proof, now);
      if (!found) return null;
      await roundTrip();
      return { ...found, epoch: Number(await storer.setPasswordHash(found.pid, hash)) };
    },
  }),
  "sets the password and leaves the epoch": (storer) => ({
    finishRecovery: async (proof, hash, now) => {
      const found = await storer.findRecovery(proof, now);
      const user = found && (await storer.load(found.pid));
      if (!user) return null;
      await storer.upgradePasswordHash(user.pid, String(user.passwordHash), hash);
      return { ...found, epoch: user.epoch };
    },
  }),
  "advances the epoch and leaves the password": (storer) => ({
    finishRecovery: async (proof, _, now) => {
      const found = await storer.findRecovery(proof, now);
      const hash = found && (await storer.load(found.pid))?.passwordHash;
      return storer.finishRecovery(proof, String(hash), now);
    },
  }),
  "answers the epoch of before": (storer) => ({
    finishRecovery: async (proof, hash, now) => {
      const done = await storer.finishRecovery(proof, hash, now);
      return done && { ...done, epoch: done.epoch - 1 };
    },
  }),
  "spends a link when it is looked for": (storer) => ({
    findRecovery: async (proof, now) => {
      const found = await storer.findRecovery(proof, now);
      const link = linkOf(storer, proof, "recover");
      if (found && link) await storer.startRecovery([{ ...link, selector: `${link.selector} spent` }]);
      return found;
    },
  }),
  "finds a link at its very end": (storer) => ({ findRecovery: (proof, now) => storer.findRecovery(proof, earlier(now)) }),
  "finishes with a link at its very end": (storer) => ({
    finishRecovery: (proof, hash, now) => storer.finishRecovery(proof, hash, earlier(now)),
  }),
  "stores the links of one request one after the other, each in place of the one before": (storer) => ({
    startRecovery: async (tokens) => {
      for (const token of tokens) await storer.startRecovery([token]);
    },
  }),
  "stores only the first link of a request": (storer) => ({ startRecovery: (tokens) => storer.startRecovery(tokens.slice(0, 1)) }),
  "lets the links of older requests work too": recoveriesKept(({ selector }) => selector),
  "leaves the last links of a longer request alive": recoveriesKept(({ pid }, place) => `${place} of ${pid}`),
  "replaces a link only by one to the same address": recoveriesKept(({ pid, destination }) => `${pid} at ${destination}`),
  "mixes parallel requests": recoveriesKept(
    ({ pid }, place) => `${place} of ${pid}`,
    async (kept, pids) => {
      for (const [name, { pid }] of kept) if (pids.has(pid)) kept.delete(name);
      await roundTrip();
    },
  ),
  "answers the user's own address instead of the one that was mailed to": (storer) => ({
    findRecovery: async (proof, now) => {
      const found = await storer.findRecovery(proof, now);
      return found && { ...found, destination: String((await storer.load(found.pid))?.email) };
    },
  }),
  "takes a link of any purpose": (storer) => ({
    findRecovery: async (proof, now) => {
      const link = linkOf(storer, proof);
      if (link) await storer.startRecovery([link]);
      return storer.findRecovery(proof, now);
    },
  }),
  "ends the links of another user": (storer) => ({
    startRecovery: async (tokens) => {
      for (const link of storer.dump().links) {
        if (link.purpose === "recover") await storer.startRecovery([{ ...link, selector: `void ${link.selector}` }]);
      }
      await storer.startRecovery(tokens);
    },
  }),
});

catches(secondaryEmailsConformance, {
  "keeps the addresses in an order of its own": (storer) => ({
    setSecondaryEmails: (pid, addresses) => storer.setSecondaryEmails(pid, [...addresses].sort()),
  }),
  "adds to the addresses instead of replacing them": (storer) => ({
    setSecondaryEmails: async (pid, addresses) =>
      storer.setSecondaryEmails(pid, [...((await storer.load(pid))?.secondaryEmails ?? []), ...addresses]),
  }),
  "keeps them as one text with commas": (storer) => ({
    setSecondaryEmails: (pid, addresses) => storer.setSecondaryEmails(pid, addresses.length === 0 ? [] : addresses.join(",").split(",")),
  }),
  "answers true for nobody": (storer) => ({
    setSecondaryEmails: async (pid, addresses) => {
      await storer.setSecondaryEmails(pid, addresses);
      return true;
    },
  }),
  "keeps the list that it was given": (storer) => {
    const given = new Map<string, readonly string[]>();
    return {
      setSecondaryEmails: (pid, addresses) => {
        given.set(pid, addresses);
        return storer.setSecondaryEmails(pid, addresses);
      },
      load: async (pid) => {
        const user = await storer.load(pid);
        return user && { ...user, secondaryEmails: given.get(pid) ?? user.secondaryEmails };
      },
    };
  },
  "stores address after address": (storer) => ({
    setSecondaryEmails: async (pid, addresses) => {
      let stored = await storer.setSecondaryEmails(pid, addresses.slice(0, 1));
      for (const address of addresses.slice(1)) {
        await roundTrip();
        stored = await storer.setSecondaryEmails(pid, [...((await storer.load(pid))?.secondaryEmails ?? []), address]);
      }
      return stored;
    },
  }),
});
