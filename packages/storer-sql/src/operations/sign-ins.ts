/** The rows that say who is signed in: the rest of the capability "server". @module */
import type { ExpireOperations, FactorProof, Level, SignIn, SignInOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";
import { storedIn } from "./json.ts";
import { type SqlUser, type UserRow, userOf } from "./users.ts";

/** A sign-in as the database answers it, joined with its user's pid. */
export interface SignInRow {
  readonly public_id: string;
  readonly pid: string;
  readonly epoch: number;
  readonly level: Level;
  readonly factors: string;
  readonly signed_in_at: number;
  readonly seen_at: number;
  readonly idle_ends_at: number;
  readonly ends_at: number;
  readonly user_agent: string;
  readonly network: string;
}

export interface SignInStatements {
  readonly createSignIn: Statement<
    [
      key: string,
      publicId: string,
      pid: string,
      epoch: number,
      level: Level,
      factors: string,
      createdAt: number,
      seenAt: number,
      idleEndsAt: number,
      endsAt: number,
      userAgent: string,
      network: string,
    ]
  >;
  /** Both have an epoch and they are equal: that is part of being live. */
  readonly findSignIn: Statement<[key: string, now: number], SignInRow & UserRow>;
  readonly touchSignIn: Statement<[key: string, seenAt: number, idleEndsAt: number]>;
  readonly replaceSignIn: Statement<[key: string, nextKey: string, level: Level, factors: string, epoch: number, now: number]>;
  readonly endSignIn: Statement<[key: string]>;
  readonly endSignInOf: Statement<[pid: string, publicId: string]>;
  readonly endSignIns: Statement<[pid: string, exceptKey: string | null]>;
  readonly takeExpiredSignIn: Statement<[key: string, now: number], SignInRow>;
  readonly listSignIns: Statement<[pid: string, now: number], SignInRow>;
}

const textOf = (factors: readonly FactorProof[]): string => JSON.stringify(factors.map(({ method, at }) => ({ method, at: at.getTime() })));

interface StoredFactor {
  readonly method: string;
  readonly at: number;
}

const isFactor = (value: unknown): value is StoredFactor =>
  typeof Object(value).method === "string" && Number.isSafeInteger(Object(value).at);

const isFactors = (value: unknown): value is StoredFactor[] => Array.isArray(value) && value.every(isFactor);

const factorsOf = (text: string): FactorProof[] =>
  storedIn("castellan_sign_in.factors", text, isFactors).map(({ method, at }) => ({ method, at: new Date(at) }));

function signInOf(row: SignInRow): SignIn {
  return {
    id: row.public_id,
    pid: row.pid,
    epoch: row.epoch,
    level: row.level,
    factors: factorsOf(row.factors),
    createdAt: new Date(row.signed_in_at),
    seenAt: new Date(row.seen_at),
    idleEndsAt: new Date(row.idle_ends_at),
    endsAt: new Date(row.ends_at),
    userAgent: row.user_agent,
    network: row.network,
  };
}

export function signInOperations(database: Database, sql: SignInStatements): SignInOperations<SqlUser> & ExpireOperations {
  return {
    async createSignIn(key, signIn) {
      return database.claim(
        sql.createSignIn,
        key,
        signIn.id,
        signIn.pid,
        signIn.epoch,
        signIn.level,
        textOf(signIn.factors),
        signIn.createdAt.getTime(),
        signIn.seenAt.getTime(),
        signIn.idleEndsAt.getTime(),
        signIn.endsAt.getTime(),
        signIn.userAgent,
        signIn.network,
      );
    },
    async findSignIn(key, now) {
      const row = await database.first(sql.findSignIn, key, now.getTime());
      return row && { user: userOf(row), signIn: signInOf(row) };
    },
    async touchSignIn(key, seenAt, idleEndsAt) {
      await database.change(sql.touchSignIn, key, seenAt.getTime(), idleEndsAt.getTime());
    },
    async replaceSignIn(key, next, now) {
      return database.claim(sql.replaceSignIn, key, next.key, next.level, textOf(next.factors), next.epoch, now.getTime());
    },
    async endSignIn(key) {
      return (await database.change(sql.endSignIn, key)) > 0;
    },
    async endSignInOf(pid, id) {
      return (await database.change(sql.endSignInOf, pid, id)) > 0;
    },
    async endSignIns(pid, exceptKey) {
      return database.change(sql.endSignIns, pid, exceptKey);
    },
    async takeExpiredSignIn(key, now) {
      const row = await database.first(sql.takeExpiredSignIn, key, now.getTime());
      return row && signInOf(row);
    },
    async listSignIns(pid, now) {
      return (await database.all(sql.listSignIns, pid, now.getTime())).map(signInOf);
    },
  };
}
