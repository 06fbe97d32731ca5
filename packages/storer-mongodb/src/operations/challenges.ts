/** Pending logins and challenges. @module */
import type { Challenge, ChallengeOperations } from "@castellan/core";
import { type Collections, isOfEpoch, untilWritten } from "../collections.ts";
import type { ChallengeRow } from "../rows.ts";
import { after, is, moment, text, whole } from "../values.ts";

const rowOf = (challenge: Challenge): ChallengeRow => ({
  _id: JSON.stringify([text(challenge.sessionKey), text(challenge.purpose)]),
  id: text(challenge.id),
  purpose: challenge.purpose,
  pid: text(challenge.pid),
  epoch: whole(challenge.epoch),
  sessionKey: challenge.sessionKey,
  destination: text(challenge.destination),
  data: text(challenge.data),
  triesLeft: whole(challenge.triesLeft),
  createdAt: moment(challenge.createdAt),
  expiresAt: moment(challenge.expiresAt),
});

const challengeOf = ({ _id, ...challenge }: ChallengeRow): Challenge => challenge;

export function challengeOperations(collections: Collections): ChallengeOperations {
  const { challenges } = collections;
  const running = (id: string, sessionKey: string, now: Date) => ({ id: is(id), sessionKey: is(sessionKey), expiresAt: after(now) });
  /** What was found or taken, if its user is of its epoch. One who is not finds it worthless, taken or not. */
  const ifAlive = async (row: ChallengeRow | null): Promise<Challenge | null> =>
    row && (await isOfEpoch(collections, row.pid, row.epoch)) ? challengeOf(row) : null;

  return {
    async createChallenge(challenge) {
      const { _id, ...row } = rowOf(challenge);
      await untilWritten(() => challenges.replaceOne({ _id: is(_id) }, row, { upsert: true }));
    },
    findChallenge: async (id, sessionKey, now) => ifAlive(await challenges.findOne(running(id, sessionKey, now))),
    async admitTry(id, sessionKey, now) {
      const filter = { ...running(id, sessionKey, now), triesLeft: { $gt: 0 } };
      return ifAlive(await challenges.findOneAndUpdate(filter, { $inc: { triesLeft: -1 } }, { returnDocument: "after" }));
    },
    consumeChallenge: async (id, sessionKey, now) => ifAlive(await challenges.findOneAndDelete(running(id, sessionKey, now))),
    async endChallengesOfSession(sessionKey) {
      await challenges.deleteMany({ sessionKey: is(sessionKey) });
    },
    async endChallengesOf(pid, purpose) {
      await challenges.deleteMany({ pid: is(pid), ...(purpose !== null && { purpose: is(purpose) }) });
    },
  };
}
