/** Fills SQL databases past the storer, with the statements of each dialect, and asks them how much room that takes. @module */
import { factorsText, HOUR, LENGTHS, NETWORK, PASSWORD_HASH, sessionText, USER_AGENT } from "./rows.mjs";

/** @typedef {(sql: string) => Promise<readonly Record<string, unknown>[]>} Ask */

/** The tables that have a row for each user here. */
export const TABLES = /** @type {const} */ (["castellan_user", "castellan_sign_in", "castellan_session"]);

/**
 * @typedef {object} Dialect
 * @property {(length: number) => string} random an expression for a random text
 * @property {(from: number, to: number) => string} series an item of FROM: `n`, with the column `i`
 * @property {string} login an expression for the login of user `n.i`
 * @property {(column: string) => string} text that column as a text
 * @property {{ signIn: string, session: string }} keys the columns of their keys
 * @property {readonly string[]} before what makes filling fast
 * @property {readonly string[]} after what brings the database back into its usual state
 * @property {(table: string) => string} size answers one number, `bytes`: the table and its indexes
 */

/** @type {Dialect} */
const sqlite = {
  random: (length) => `substr(hex(randomblob(${Math.ceil(length / 2)})), 1, ${length})`,
  series: (from, to) => `(WITH RECURSIVE n(i) AS (VALUES (${from}) UNION ALL SELECT i + 1 FROM n WHERE i < ${to}) SELECT i FROM n) AS n`,
  login: "'user' || n.i || '@example.test'",
  text: (column) => column,
  keys: { signIn: "key", session: "key" },
  before: ["PRAGMA synchronous = OFF", "PRAGMA cache_size = -500000"],
  after: ["PRAGMA synchronous = FULL", "PRAGMA wal_checkpoint(TRUNCATE)"],
  size: (table) => `SELECT sum(pgsize) AS bytes FROM dbstat WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = '${table}')`,
};

/** @type {Dialect} */
const postgres = {
  random: (length) => `substr(md5(random()::text) || md5(random()::text), 1, ${length})`,
  series: (from, to) => `generate_series(${from}, ${to}) AS n(i)`,
  login: "'user' || n.i || '@example.test'",
  text: (column) => column,
  keys: { signIn: "key", session: "key" },
  before: ["SET synchronous_commit = off"],
  after: ["VACUUM ANALYZE", "CHECKPOINT"],
  size: (table) => `SELECT pg_total_relation_size('${table}')::float8 AS bytes`,
};

/** @type {Dialect} */
const mysql = {
  random: (length) => `substr(concat(md5(uuid()), md5(uuid())), 1, ${length})`,
  series: (from, to) => `(SELECT seq AS i FROM seq_${from}_to_${to}) AS n`,
  login: "concat('user', n.i, '@example.test')",
  text: (column) => `CAST(${column} AS CHAR)`,
  keys: { signIn: "sign_in_key", session: "session_key" },
  before: [],
  after: TABLES.map((table) => `ANALYZE TABLE ${table}`),
  size: (table) =>
    `SELECT CAST(data_length + index_length AS DOUBLE) AS bytes FROM information_schema.tables WHERE table_schema = database() AND table_name = '${table}'`,
};

const DIALECTS = new Map([
  ["sqlite", sqlite],
  ["postgres", postgres],
  ["postgresql", postgres],
  ["mysql", mysql],
  ["mariadb", mysql],
]);

const schemeOf = (/** @type {string} */ uri) => uri.split("://", 1)[0] ?? "";

export const isSql = (/** @type {string} */ uri) => DIALECTS.has(schemeOf(uri));

/** @param {string} uri @returns {Dialect} */
function dialectOf(uri) {
  const dialect = DIALECTS.get(schemeOf(uri));
  if (!dialect) throw new Error(`${schemeOf(uri)}: is no SQL database`);
  return dialect;
}

/** A connection of the bench's own. @param {string} uri @returns {Promise<{ ask: Ask, close: () => Promise<void> }>} */
async function connectTo(uri) {
  if (schemeOf(uri) === "sqlite") {
    const { DatabaseSync } = await import("node:sqlite").catch(() => import("@photostructure/sqlite"));
    const database = new DatabaseSync(new URL(uri.replace(/^sqlite:/, "file:")).pathname);
    return { ask: async (sql) => database.prepare(sql).all(), close: async () => database.close() };
  }
  if (schemeOf(uri).startsWith("postgres")) {
    const { Client } = (await import("pg")).default;
    const client = new Client(uri);
    await client.connect();
    return { ask: async (sql) => (await client.query(sql)).rows, close: () => client.end() };
  }
  const { createConnection } = await import("mysql2/promise");
  const connection = await createConnection(uri.replace(/^mariadb:/, "mysql:"));
  return { ask: async (sql) => Object((await connection.query(sql))[0]), close: () => connection.end() };
}

/** An empty database beside the one of `uri`. @param {string} uri @param {string} name */
export async function databaseBeside(uri, name) {
  const url = new URL(uri);
  if (schemeOf(uri) === "sqlite") {
    url.pathname = url.pathname.replace(/[^/]*$/, `${name}.db`);
    return url.href;
  }
  await within(uri, (ask) => ask(`CREATE DATABASE ${name}`));
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs `work` with a connection, which is closed afterwards. @template T @param {string} uri @param {(ask: Ask) => Promise<T>} work */
async function within(uri, work) {
  const { ask, close } = await connectTo(uri);
  try {
    return await work(ask);
  } finally {
    await close();
  }
}

/**
 * Makes users `from` to `to`, each with one sign-in and one row of express-session under the same key, keys in random order.
 * @param {string} uri of a database with the schema @param {number} from @param {number} to @param {Date} now
 */
export async function fill(uri, from, to, now) {
  const { random, series, login, keys, before, after } = dialectOf(uri);
  const [at, end, users] = [now.getTime(), now.getTime() + 24 * HOUR, series(from, to)];
  const { id, key } = LENGTHS;
  const lists = "secondary_emails, recovery_codes, one_time_passwords";
  const life = "created_at, seen_at, idle_ends_at, ends_at";
  const inserts = [
    `INSERT INTO castellan_user (pid, login, email, password_hash, profile, created_at, epoch, ${lists})
SELECT ${random(id)}, ${login}, ${login}, '${PASSWORD_HASH}', '{}', ${at}, 0, '[]', '[]', '[]' FROM ${users}`,
    `INSERT INTO castellan_sign_in (${keys.signIn}, public_id, user_id, epoch, level, factors, ${life}, user_agent, network)
SELECT ${random(key)}, ${random(id)}, u.id, 0, 'full', '${factorsText(now)}', ${at}, ${at}, ${end}, ${end}, '${USER_AGENT}', '${NETWORK}'
FROM ${users} JOIN castellan_user AS u ON u.login = ${login}`,
    `INSERT INTO castellan_session (${keys.session}, data, expires_at)
SELECT s.${keys.signIn}, '${sessionText(now)}', ${end}
FROM ${users} JOIN castellan_user AS u ON u.login = ${login} JOIN castellan_sign_in AS s ON s.user_id = u.id`,
  ];
  await within(uri, async (ask) => {
    for (const sql of [...before, ...inserts, ...after]) await ask(sql);
  });
}

/** Bytes of each of the {@link TABLES}, with its indexes. @param {string} uri */
export const sizesOf = (uri) =>
  within(uri, async (ask) => {
    const sizes = [];
    for (const table of TABLES) sizes.push(Number((await ask(dialectOf(uri).size(table)))[0]?.["bytes"]));
    return sizes;
  });

/** Some of the users, by the number of their row, each with the key of a sign-in. @param {string} uri @param {readonly number[]} numbers */
export const someOf = (uri, numbers) =>
  within(uri, async (ask) => {
    const { text, keys } = dialectOf(uri);
    const rows = await ask(`SELECT ${text(`s.${keys.signIn}`)} AS sign_in, ${text("u.pid")} AS pid, ${text("u.login")} AS login
FROM castellan_user AS u JOIN castellan_sign_in AS s ON s.user_id = u.id WHERE u.id IN (${numbers.join(", ")})`);
    return rows.map(({ sign_in, pid, login }) => ({ key: String(sign_in), pid: String(pid), login: String(login) }));
  });
