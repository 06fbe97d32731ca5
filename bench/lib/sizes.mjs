/** How much room rows take in databases that are not SQL, where the storer itself must make them. @module */
import { statSync } from "node:fs";
import { openStorer } from "castellan";
import { sayTo } from "./redis-socket.mjs";
import { HOUR, keyOf, sessionText, signInRow, userRow } from "./rows.mjs";

const ROWS = 2000;
/** Each row writes the whole file anew. */
const ROWS_OF_A_FILE = 200;
const AT_ONCE = 20;

/** @type {Map<string, (uri: string) => Promise<number>>} */
const STORED = new Map([
  ["file", async (uri) => statSync(new URL(uri)).size],
  [
    "redis",
    async (uri) => {
      const { say, close } = await sayTo(uri);
      const [, bytes] = /used_memory:(\d+)/.exec(await say("INFO", "memory")) ?? [];
      close();
      return Number(bytes);
    },
  ],
  [
    "etcd",
    async (uri) => {
      const answer = await fetch(`http://${new URL(uri).host}/v3/maintenance/status`, { method: "POST", body: "{}" });
      const { dbSizeInUse, dbSize } = await answer.json();
      return Number(dbSizeInUse ?? dbSize);
    },
  ],
  [
    "mongodb",
    async (uri) => {
      const { MongoClient } = await import("mongodb");
      const client = await new MongoClient(uri).connect();
      const { storageSize, indexSize } = await client.db().command({ dbStats: 1 });
      await client.close();
      return storageSize + indexSize;
    },
  ],
]);

/**
 * Bytes for a user, a sign-in and a row of express-session: in Redis of memory, elsewhere of disk.
 * @param {string} uri
 * @returns {Promise<readonly number[] | null>} `null` where it is not known how to ask
 */
export async function bytesPerRow(uri) {
  const scheme = uri.split("://", 1)[0] ?? "";
  const stored = STORED.get(scheme);
  if (!stored) return null;
  const rows = scheme === "file" ? ROWS_OF_A_FILE : ROWS;
  const storer = await openStorer(uri);
  const now = new Date();
  const stages = [
    (/** @type {number} */ number) => storer.createUser(userRow(number, now)),
    (/** @type {number} */ number) => storer.createSignIn(keyOf(number), signInRow(userRow(number, now).pid, number, now)),
    (/** @type {number} */ number) =>
      storer.saveSession(keyOf(number), { data: sessionText(now), expiresAt: new Date(now.getTime() + HOUR) }),
  ];
  const bytes = [];
  try {
    await storer.ready?.();
    for (const stage of stages) {
      const before = await stored(uri);
      let next = 0;
      const make = async () => {
        while (next < rows) {
          next += 1;
          if ((await stage(next)) === false) throw new Error("a row was not made");
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, make));
      bytes.push(((await stored(uri)) - before) / rows);
    }
  } finally {
    await storer.close?.();
  }
  return bytes;
}
