/** Challenges: rows under their user, and one lead for each browser session and purpose. @module */
import type { Challenge, ChallengeOperations } from "@castellan/core";
import { millisecondsOf } from "../codec.ts";
import { challengeRow, isOver, userRow } from "../rows.ts";
import { remove, removeAll, type View } from "../store.ts";
import { noteEnd, putLead, putRow, rowOf, type Table } from "../table.ts";

/** A browser session waits for few things at once. */
const MOST_PURPOSES = 50;

interface Seen {
  readonly lead: string;
  readonly place: string;
  readonly challenge: Challenge;
}

export function challengeOperations(table: Table): ChallengeOperations {
  const { store, keys } = table;

  /** The live challenge. A newer one of its browser session and purpose has taken its lead, which voids it. */
  const live = async (view: Pick<View, "get" | "list">, id: string, sessionKey: string, now: Date): Promise<Seen | null> => {
    millisecondsOf(now);
    const { listed } = await view.list(keys.challengesOfSession(sessionKey), MOST_PURPOSES);
    const entry = listed.find(({ value }) => keys.leadsToId(value, id));
    if (!entry) return null;
    const { row: place, user } = keys.placeOf(entry.value);
    // All three of one moment: the lead may lead elsewhere by now.
    const [lead, rowEntry, userEntry] = await view.get(entry.key, place, user);
    const challenge = rowOf(challengeRow, rowEntry);
    if (lead?.value !== entry.value || challenge?.id !== id || challenge.sessionKey !== sessionKey || isOver(challenge.expiresAt, now))
      return null;
    return rowOf(userRow, userEntry)?.epoch === challenge.epoch ? { lead: entry.key, place, challenge } : null;
  };

  return {
    async createChallenge(challenge) {
      const { pid, purpose, id, sessionKey, expiresAt } = challenge;
      const [lead, place] = [keys.challenge(sessionKey, purpose), keys.challengeOf(pid, purpose, id)];
      await store.change(
        [],
        putRow(place, challengeRow, challenge),
        putLead(table, lead, place),
        noteEnd(table, place, millisecondsOf(expiresAt), [lead]),
      );
    },
    async findChallenge(id, sessionKey, now) {
      return (await live(store, id, sessionKey, now))?.challenge ?? null;
    },
    admitTry: (id, sessionKey, now) =>
      store.decide(keys.challenge(sessionKey, id), async (view) => {
        const found = await live(view, id, sessionKey, now);
        if (!found || found.challenge.triesLeft <= 0) return null;
        const tried = { ...found.challenge, triesLeft: found.challenge.triesLeft - 1 };
        view.change(putRow(found.place, challengeRow, tried));
        return tried;
      }),
    consumeChallenge: (id, sessionKey, now) =>
      store.decide(keys.challenge(sessionKey, id), async (view) => {
        const found = await live(view, id, sessionKey, now);
        if (!found) return null;
        view.change(remove(found.place), remove(found.lead));
        return found.challenge;
      }),
    async endChallengesOfSession(sessionKey) {
      await store.change([], ...removeAll(keys.challengesOfSession(sessionKey)));
    },
    async endChallengesOf(pid, purpose) {
      await store.change([], ...removeAll(keys.challengesOf(pid, purpose)));
    },
  };
}
