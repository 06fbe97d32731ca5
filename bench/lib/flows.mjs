/** What a storer is asked in each of the flows of an account, counted in a server that is measured for nothing else. @module */
import { setTimeout as pause } from "node:timers/promises";
import { NO_COST } from "./accounts.mjs";
import { relayTo } from "./relay.mjs";
import { startServer } from "./server.mjs";
import { median } from "./statistics.mjs";
import { stepsOf } from "./steps.mjs";

/** Each flow is gone through so often; the median counts, as connections and statements are prepared in the first. */
const TURNS = 5;
/** For what goes on when the answer has come: the mail of a link is sent, bytes are on their way. */
const SETTLING_MS = 20;

/**
 * @typedef {object} Flow
 * @property {string} name
 * @property {readonly string[]} operations of the storer, in order
 * @property {number} statements that ran in SQLite; 0 with any other database
 * @property {number | null} roundTrips between the server and the database; `null` for one in the same process
 */

/**
 * @param {{ file: string } | { uri: string }} database with the accounts of `accounts.mjs`, of no cost
 * @param {{ turns?: number }} [options]
 * @returns {Promise<readonly Flow[]>}
 */
export async function countFlows(database, { turns = TURNS } = {}) {
  const relay = "uri" in database ? await relayTo(database.uri) : null;
  const where = "file" in database ? { BENCH_FILE: database.file } : { BENCH_URI: relay?.uri ?? database.uri };
  const server = await startServer("castellan", { env: { ...where, BENCH_COST: String(NO_COST), BENCH_COUNT: "1", BENCH_FACTORS: "1" } });
  /** @type {Map<string, Flow[]>} */
  const counted = new Map();
  try {
    for (let turn = 1; turn <= turns; turn += 1) {
      for (const { name, before, go } of stepsOf(server, turn)) {
        await before?.();
        if (before) await pause(SETTLING_MS);
        await server.figures();
        const already = relay?.roundTrips() ?? 0;
        await go();
        await pause(SETTLING_MS);
        const { statements, operations } = await server.figures();
        const roundTrips = relay && relay.roundTrips() - already;
        counted.set(name, [...(counted.get(name) ?? []), { name, operations, statements: statements.length, roundTrips }]);
      }
    }
  } finally {
    await server.stop();
    await relay?.stop();
  }
  return [...counted.values()].map((flows) => {
    const [last] = flows.slice(-1);
    if (!last) throw new Error("nothing was counted");
    return {
      ...last,
      statements: median(flows.map(({ statements }) => statements)),
      roundTrips: relay && median(flows.map(({ roundTrips }) => roundTrips ?? 0)),
    };
  });
}
