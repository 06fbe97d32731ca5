/** The least that a database can be asked, over a connection of the bench's own: what a storer's operation is compared with. @module */
import { sayTo } from "./redis-socket.mjs";

/**
 * @typedef {object} Floor
 * @property {string} name
 * @property {() => Promise<unknown>} once
 * @property {() => Promise<unknown>} close
 */

/** @returns {Promise<Floor>} */
async function sqliteFloor() {
  const { DatabaseSync } = await import("node:sqlite").catch(() => import("@photostructure/sqlite"));
  const database = new DatabaseSync(":memory:");
  const statement = database.prepare("SELECT 1");
  return { name: "SELECT 1", once: async () => statement.all(), close: async () => database.close() };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function postgresFloor(uri) {
  const { Client } = (await import("pg")).default;
  const client = new Client(uri);
  await client.connect();
  return { name: "SELECT 1", once: () => client.query({ name: "floor", text: "SELECT 1" }), close: () => client.end() };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function mysqlFloor(uri) {
  const { createConnection } = await import("mysql2/promise");
  const connection = await createConnection(uri.replace(/^mariadb:/, "mysql:"));
  return { name: "SELECT 1", once: () => connection.execute("SELECT 1"), close: () => connection.end() };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function redisFloor(uri) {
  const { say, close } = await sayTo(uri);
  return { name: "PING", once: () => say("PING"), close: async () => close() };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function etcdFloor(uri) {
  const url = new URL(uri);
  const range = async () => {
    const answer = await fetch(`http://${url.host}/v3/kv/range`, { method: "POST", body: '{"key":"AA=="}' });
    if (!answer.ok) throw new Error(`etcd answered ${answer.status}`);
    return answer.json();
  };
  return { name: "an empty range by JSON", once: range, close: async () => {} };
}

/** @param {string} uri @returns {Promise<Floor>} */
async function mongodbFloor(uri) {
  const { MongoClient } = await import("mongodb");
  const client = await new MongoClient(uri).connect();
  return { name: "ping", once: () => client.db("admin").command({ ping: 1 }), close: () => client.close() };
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

/** @param {string} uri @returns {Promise<Floor | null>} `null` where nothing is asked of anybody: the storer holds all in its memory */
export async function floorOf(uri) {
  return (await FLOORS.get(uri.split("://", 1)[0] ?? "")?.(uri)) ?? null;
}
