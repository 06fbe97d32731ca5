/** Challenges. @module */
import type { ChallengeOperations } from "@castellan/core";
import { deleteWhere, isOver, type Operation, type Tables } from "./tables.ts";

export function challengeOperations(tables: Tables, operation: Operation): ChallengeOperations {
  const { users, challenges } = tables;
  const live = (id: string, sessionKey: string, now: Date) => {
    const challenge = challenges.get(id);
    if (challenge?.sessionKey !== sessionKey || isOver(challenge.expiresAt, now)) return null;
    return users.get(challenge.pid)?.epoch === challenge.epoch ? challenge : null;
  };

  return {
    createChallenge: operation("createChallenge", (challenge) => {
      deleteWhere(challenges, (old) => old.sessionKey === challenge.sessionKey && old.purpose === challenge.purpose);
      challenges.set(challenge.id, challenge);
    }),
    findChallenge: operation("findChallenge", live),
    admitTry: operation("admitTry", (id, sessionKey, now) => {
      const challenge = live(id, sessionKey, now);
      if (!challenge || challenge.triesLeft <= 0) return null;
      const tried = { ...challenge, triesLeft: challenge.triesLeft - 1 };
      challenges.set(id, tried);
      return tried;
    }),
    consumeChallenge: operation("consumeChallenge", (id, sessionKey, now) => {
      const challenge = live(id, sessionKey, now);
      if (challenge) challenges.delete(id);
      return challenge;
    }),
    endChallengesOfSession: operation("endChallengesOfSession", (sessionKey) => {
      deleteWhere(challenges, (challenge) => challenge.sessionKey === sessionKey);
    }),
    endChallengesOf: operation("endChallengesOf", (pid, purpose) => {
      deleteWhere(challenges, (challenge) => challenge.pid === pid && (purpose === null || challenge.purpose === purpose));
    }),
  };
}
