/** The least that a database can be asked, over a connection of the bench's own: what a storer's operations are compared with. @module */
import { fileURLToPath } from "node:url";
import { sayTo } from "./redis-socket.mjs";

/**
 * @typedef {object} Least
 * @property {string} name
 * @property {() => Promise<unknown>} once
 */
/**
 * @typedef {object} Floor
 * @property {Least} read
 * @property {Least} write one that is stored, as sure as the storer's are
 * @property {() => Promise<unknown>} close
 */

const TABLE = "CREATE TABLE castellan_bench_floor (id BIGINT PRIMARY KEY, n BIGINT)";
const ROW = "INSERT INTO castellan_bench_floor VALUES (1, 0)";
const UPDATE = "UPDATE castellan_bench_floor SET n = n + 1 WHERE id = 1";
const [READ, WRITE] = ["SELECT 1", "UPDATE of a row"];

/** @param {string} uri @returns {Promise<Floor>} */
async function sqliteFloor(uri) {
  const { DatabaseSync } = await import("node:sqlite").catch(() => import("@photostructure/sqlite"));
  const database = new DatabaseSync(`${fileURLToPath(uri.replace(/^sqlite:/, "file:"))}-floor`);
  for (const sql of ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", TABLE, ROW]) database.prepare(sql).all();
  const [select, update] = [database.prepare(READ), database.prepare(UPDATE)];
  return {
    read: { name: READ, once: async () => select.all() },
    write: { name: WRITE, once: async () => update.run() },
    close: async () => database.close(),
  };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function postgresFloor(uri) {
  const { Client } = (await import("pg")).default;
  const client = new Client(uri);
  await client.connect();
  for (const sql of [TABLE, ROW]) await client.query(sql);
  return {
    read: { name: READ, once: () => client.query({ name: "read", text: READ }) },
    write: { name: WRITE, once: () => client.query({ name: "write", text: UPDATE }) },
    close: () => client.end(),
  };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function mysqlFloor(uri) {
  const { createConnection } = await import("mysql2/promise");
  const connection = await createConnection(uri.replace(/^mariadb:/, "mysql:"));
  for (const sql of [TABLE, ROW]) await connection.query(sql);
  return {
    read: { name: READ, once: () => connection.execute(READ) },
    write: { name: WRITE, once: () => connection.execute(UPDATE) },
    close: () => connection.end(),
  };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function redisFloor(uri) {
  const { say, close } = await sayTo(uri);
  return {
    read: { name: "PING", once: () => say("PING") },
    write: { name: "INCR", once: () => say("INCR", "castellan-bench-floor") },
    close: async () => close(),
  };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function etcdFloor(uri) {
  const ask = async (/** @type {string} */ path, /** @type {object} */ body) => {
    const answer = await fetch(`http://${new URL(uri).host}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd answered ${answer.status}`);
    return answer.json();
  };
  const key = btoa("castellan-bench-floor");
  return {
    read: { name: "a range of one key", once: () => ask("range", { key }) },
    write: { name: "a put", once: () => ask("put", { key, value: key }) },
    close: async () => {},
  };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function mongodbFloor(uri) {
  const { MongoClient } = await import("mongodb");
  const client = await new MongoClient(uri, { writeConcern: { w: "majority", journal: true } }).connect();
  const counts = client.db().collection("castellan_bench_floor");
  return {
    read: { name: "ping", once: () => client.db().command({ ping: 1 }) },
    write: { name: "an update", once: () => counts.updateOne({ name: "floor" }, { $inc: { n: 1 } }, { upsert: true }) },
    close: () => client.close(),
  };
}

const FLOORS = new Map([
  ["sqlite", sqliteFloor],
  ["postgres", postgresFloor],
  ["postgresql", postgresFloor],
  ["mysql", mysqlFloor],
  ["mariadb", mysqlFloor],
  ["redis", redisFloor],
  ["etcd", etcdFloor],
  ["mongodb", mongodbFloor],
]);

/** @param {string} uri of a database in which it may leave a row @returns {Promise<Floor | null>} `null` where nobody is asked, as the storer holds all in its memory, or where it is not known how */
export async function floorOf(uri) {
  return (await FLOORS.get(uri.split("://", 1)[0] ?? "")?.(uri)) ?? null;
}
