/** Pending logins and challenges: the capability "challenging". @module */
import type { Challenge, ChallengeOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

/** A challenge as the database answers it. */
export interface ChallengeRow {
  readonly public_id: string;
  readonly purpose: string;
  readonly pid: string;
  readonly epoch: number;
  readonly session_key: string;
  readonly destination: string;
  readonly data: string;
  readonly tries_left: number;
  readonly created_at: number;
  readonly expires_at: number;
}

type Look = Statement<[id: string, sessionKey: string, now: number], ChallengeRow>;

export interface ChallengeStatements {
  readonly createChallenge: Statement<
    [
      id: string,
      purpose: string,
      pid: string,
      epoch: number,
      sessionKey: string,
      destination: string,
      data: string,
      triesLeft: number,
      createdAt: number,
      expiresAt: number,
    ]
  >;
  readonly findChallenge: Look;
  readonly admitTry: Look;
  readonly consumeChallenge: Look;
  readonly endChallengesOfSession: Statement<[sessionKey: string]>;
  readonly endChallengesOf: Statement<[pid: string, purpose: string | null]>;
}

const challengeOf = (row: ChallengeRow): Challenge => ({
  id: row.public_id,
  purpose: row.purpose,
  pid: row.pid,
  epoch: row.epoch,
  sessionKey: row.session_key,
  destination: row.destination,
  data: row.data,
  triesLeft: row.tries_left,
  createdAt: new Date(row.created_at),
  expiresAt: new Date(row.expires_at),
});

export function challengeOperations(database: Database, sql: ChallengeStatements): ChallengeOperations {
  const look = (statement: Look) => async (id: string, sessionKey: string, now: Date) => {
    const row = await database.first(statement, id, sessionKey, now.getTime());
    return row && challengeOf(row);
  };
  return {
    async createChallenge(challenge) {
      await database.change(
        sql.createChallenge,
        challenge.id,
        challenge.purpose,
        challenge.pid,
        challenge.epoch,
        challenge.sessionKey,
        challenge.destination,
        challenge.data,
        challenge.triesLeft,
        challenge.createdAt.getTime(),
        challenge.expiresAt.getTime(),
      );
    },
    findChallenge: look(sql.findChallenge),
    admitTry: look(sql.admitTry),
    consumeChallenge: look(sql.consumeChallenge),
    async endChallengesOfSession(sessionKey) {
      await database.change(sql.endChallengesOfSession, sessionKey);
    },
    async endChallengesOf(pid, purpose) {
      await database.change(sql.endChallengesOf, pid, purpose);
    },
  };
}
