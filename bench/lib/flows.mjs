/** What a storer is asked in each of the flows of an account, counted in a server that is measured for nothing else. @module */
import { setTimeout as pause } from "node:timers/promises";
import { loginOf, NO_COST, PASSWORD } from "./accounts.mjs";
import { relayTo } from "./relay.mjs";
import { startServer } from "./server.mjs";
import { median } from "./statistics.mjs";
import { ask, tryToSignIn } from "./visitors.mjs";

/** Each flow is gone through so often; the median counts, as connections and statements are prepared in the first. */
const TURNS = 5;
const MINUTE = 60_000;
/** For what is still on its way when the answer has come, over the network. */
const SETTLING_MS = 20;

/**
 * @typedef {object} Flow
 * @property {string} name
 * @property {readonly string[]} operations of the storer, in order
 * @property {number} statements that ran in SQLite; 0 with any other database
 * @property {number | null} roundTrips between the server and the database; `null` for one in the same process
 */

/** @param {import("./visitors.mjs").Answer} answer @param {number} status */
function right(answer, status) {
  if (answer.status !== status) throw new Error(`answered with ${answer.status} instead of ${status}: ${answer.body}`);
  return answer;
}

/** One visitor's way through an account. Each step is a flow. @param {import("./server.mjs").Server} server @param {number} turn */
function* steps(server, turn) {
  const json = { email: `new${turn}@example.test`, password: PASSWORD };
  const post = async (/** @type {string} */ path, /** @type {unknown} */ sent, /** @type {Session} */ { cookie, csrf } = {}) => {
    const answer = right(await ask(server, path, { method: "POST", cookie, csrf, json: sent }), 200);
    return { cookie: answer.cookie || cookie, csrf: JSON.parse(answer.body).csrfToken };
  };
  const page = async (/** @type {Session} */ { cookie }) => void right(await ask(server, "/me", { cookie }), 200);
  /** @typedef {{ cookie?: string, csrf?: string }} Session */
  /** @type {Session} */
  let session = {};
  const step = (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ go) => ({ name, go });
  yield step("registration, signed in by it", () => post("/auth/register", json));
  yield step("a login that is refused", async () => right(await tryToSignIn(server, loginOf(2), "not the right password"), 401));
  yield step("a login", async () => {
    session = await post("/auth/login", json);
  });
  yield step("a page of a user", () => page(session));
  yield step("— the first one after a minute", async () => page(session));
  yield step("a change of the password", async () => {
    session = await post("/auth/password", { password: PASSWORD, new_password: `another ${PASSWORD}` }, session);
  });
  yield step("a logout", () => post("/auth/logout", {}, session));
}

/**
 * @param {{ file: string } | { uri: string }} database with the accounts of `accounts.mjs`, of no cost
 * @returns {Promise<readonly Flow[]>}
 */
export async function countFlows(database) {
  const relay = "uri" in database ? await relayTo(database.uri) : null;
  const where = "file" in database ? { BENCH_FILE: database.file } : { BENCH_URI: relay?.uri ?? database.uri };
  const server = await startServer("castellan", { env: { ...where, BENCH_COST: String(NO_COST), BENCH_COUNT: "1" } });
  /** @type {Map<string, Flow[]>} */
  const counted = new Map();
  try {
    for (let turn = 1; turn <= TURNS; turn += 1) {
      for (const { name, go } of steps(server, turn)) {
        if (name.includes("after a minute")) await server.advance(MINUTE);
        await server.figures();
        const before = relay?.roundTrips() ?? 0;
        await go();
        if (relay) await pause(SETTLING_MS);
        const { statements, operations } = await server.figures();
        const roundTrips = relay && relay.roundTrips() - before;
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
