/** Castellan on the people that an application has already. @module */
import type { AuthableUser, AuthingServerStorer, FactorProof, Level, SignIn } from "@castellan/core";
import type { DatabaseSyncInstance } from "@photostructure/sqlite";

/** What the application had: `CREATE TABLE people (id TEXT PRIMARY KEY, mail TEXT UNIQUE, secret TEXT, …)`. What is added to it: */
const SCHEMA = `
ALTER TABLE people ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
CREATE TABLE sign_ins (
  key TEXT PRIMARY KEY, id TEXT NOT NULL, pid TEXT NOT NULL, epoch INTEGER NOT NULL, level TEXT NOT NULL, factors TEXT NOT NULL,
  created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, idle_ends_at INTEGER NOT NULL, ends_at INTEGER NOT NULL,
  user_agent TEXT NOT NULL, network TEXT NOT NULL
);
CREATE UNIQUE INDEX sign_ins_of ON sign_ins (pid, id);
CREATE INDEX sign_ins_end ON sign_ins (idle_ends_at);`;

const USER = "p.id AS pid, p.mail AS login, p.epoch, p.secret AS passwordHash";
/** A sign-in is alive while its person is of its epoch, and its idle end is not reached; that is never later than `ends_at`. */
const LIVE = "idle_ends_at > :now AND EXISTS (SELECT 1 FROM people AS p WHERE p.id = pid AND p.epoch = sign_ins.epoch)";

interface UserRow {
  readonly pid: string;
  readonly login: string;
  readonly epoch: number;
  readonly passwordHash: string | null;
}

interface SignInRow {
  readonly id: string;
  readonly pid: string;
  readonly epoch: number;
  readonly level: Level;
  readonly factors: string;
  readonly created_at: number;
  readonly seen_at: number;
  readonly idle_ends_at: number;
  readonly ends_at: number;
  readonly user_agent: string;
  readonly network: string;
}

const signInOf = (row: SignInRow): SignIn => ({
  id: row.id,
  pid: row.pid,
  epoch: row.epoch,
  level: row.level,
  factors: JSON.parse(row.factors).map(({ method, at }: { method: string; at: number }): FactorProof => ({ method, at: new Date(at) })),
  createdAt: new Date(row.created_at),
  seenAt: new Date(row.seen_at),
  idleEndsAt: new Date(row.idle_ends_at),
  endsAt: new Date(row.ends_at),
  userAgent: row.user_agent,
  network: row.network,
});

const factorsText = (factors: readonly FactorProof[]): string =>
  JSON.stringify(factors.map(({ method, at }) => ({ method, at: at.getTime() })));

type Values = Record<string, string | number | null>;

export function peopleStorer(database: DatabaseSyncInstance): AuthingServerStorer {
  // What a statement answers is of the type that its SELECT says: the one place where that is taken on trust.
  const first = <Row>(sql: string, values: Values): Row | null => (database.prepare(sql).all(values)[0] as Row | undefined) ?? null;
  const all = <Row>(sql: string, values: Values): readonly Row[] => database.prepare(sql).all(values) as Row[];
  const change = (sql: string, values: Values): number => Number(database.prepare(sql).run(values).changes);
  const epochOf = (sql: string, values: Values): number | null => first<{ epoch: number }>(`${sql} RETURNING epoch`, values)?.epoch ?? null;
  const userOf = (row: UserRow | null): AuthableUser | null => row && { ...row };

  return {
    userFields: ["pid", "login", "epoch", "passwordHash"],

    async ready() {
      const isThere = first("SELECT 1 FROM sqlite_schema WHERE name = 'sign_ins'", {});
      if (!isThere) database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
    },
    load: async (pid) => userOf(first(`SELECT ${USER} FROM people AS p WHERE p.id = :pid`, { pid })),
    findByLogin: async (login) => userOf(first(`SELECT ${USER} FROM people AS p WHERE p.mail = :login`, { login })),
    advanceEpoch: async (pid) => epochOf("UPDATE people SET epoch = epoch + 1 WHERE id = :pid", { pid }),

    // The password. Each is one statement, whose WHERE decides.
    changePasswordHash: async (pid, from, hash) =>
      epochOf("UPDATE people SET secret = :hash, epoch = epoch + 1 WHERE id = :pid AND epoch = :from", { pid, from, hash }),
    setPasswordHash: async (pid, hash) => epochOf("UPDATE people SET secret = :hash, epoch = epoch + 1 WHERE id = :pid", { pid, hash }),
    upgradePasswordHash: async (pid, from, hash) =>
      change("UPDATE people SET secret = :hash WHERE id = :pid AND secret = :from", { pid, from, hash }) > 0,

    // Who is signed in.
    createSignIn: async (key, signIn) =>
      change(
        `INSERT OR IGNORE INTO sign_ins (key, id, pid, epoch, level, factors, created_at, seen_at, idle_ends_at, ends_at, user_agent, network)
         SELECT :key, :id, p.id, p.epoch, :level, :factors, :createdAt, :seenAt, min(:idleEndsAt, :endsAt), :endsAt, :userAgent, :network
         FROM people AS p WHERE p.id = :pid AND p.epoch = :epoch`,
        {
          key,
          id: signIn.id,
          pid: signIn.pid,
          epoch: signIn.epoch,
          level: signIn.level,
          factors: factorsText(signIn.factors),
          createdAt: signIn.createdAt.getTime(),
          seenAt: signIn.seenAt.getTime(),
          idleEndsAt: signIn.idleEndsAt.getTime(),
          endsAt: signIn.endsAt.getTime(),
          userAgent: signIn.userAgent,
          network: signIn.network,
        },
      ) > 0,
    async findSignIn(key, now) {
      const row = first<SignInRow & UserRow>(
        `SELECT s.*, ${USER} FROM sign_ins AS s JOIN people AS p ON p.id = s.pid AND p.epoch = s.epoch WHERE s.key = :key AND s.idle_ends_at > :now`,
        { key, now: now.getTime() },
      );
      if (!row) return null;
      const { pid, login, epoch, passwordHash } = row;
      return { user: { pid, login, epoch, passwordHash }, signIn: signInOf(row) };
    },
    async touchSignIn(key, seenAt, idleEndsAt) {
      const values = { key, now: seenAt.getTime(), until: idleEndsAt.getTime() };
      change(`UPDATE sign_ins SET seen_at = :now, idle_ends_at = min(:until, ends_at) WHERE key = :key AND ${LIVE}`, values);
    },
    replaceSignIn: async (key, next, now) =>
      change(`UPDATE sign_ins SET key = :next, level = :level, factors = :factors WHERE key = :key AND epoch = :epoch AND ${LIVE}`, {
        key,
        next: next.key,
        level: next.level,
        factors: factorsText(next.factors),
        epoch: next.epoch,
        now: now.getTime(),
      }) > 0,
    endSignIn: async (key) => change("DELETE FROM sign_ins WHERE key = :key", { key }) > 0,
    endSignInOf: async (pid, id) => change("DELETE FROM sign_ins WHERE pid = :pid AND id = :id", { pid, id }) > 0,
    endSignIns: async (pid, except) => change("DELETE FROM sign_ins WHERE pid = :pid AND key IS NOT :except", { pid, except }),
    listSignIns: async (pid, now) =>
      all<SignInRow>(`SELECT * FROM sign_ins WHERE pid = :pid AND ${LIVE} ORDER BY seen_at DESC LIMIT 100`, {
        pid,
        now: now.getTime(),
      }).map(signInOf),

    sweep: async (now, limit) =>
      change("DELETE FROM sign_ins WHERE key IN (SELECT key FROM sign_ins WHERE idle_ends_at <= :now LIMIT :limit)", {
        now: now.getTime(),
        limit,
      }),
  };
}
