/** What runs in the database for a request, counted. @module */
import { makeAccounts } from "../lib/accounts.mjs";
import { startServer } from "../lib/server.mjs";
import { ask, signIn } from "../lib/visitors.mjs";

const REQUESTS = 50;
const MINUTE = 60_000;

const isWrite = (/** @type {string} */ sql) => !/^\s*SELECT/i.test(sql);

/**
 * @typedef {object} Counts
 * @property {number} anonymous statements for each anonymous page
 * @property {number} withCookie statements for each page that needs no user, with a live session
 * @property {number} signedIn statements for each page of a signed-in user within a minute of sign-in
 * @property {number} writesInAMinute writes for many pages of a signed-in user in one later minute
 */

/** @returns {Promise<Counts>} */
export async function countStatements() {
  const server = await startServer("castellan", { env: { BENCH_FILE: await makeAccounts({ cost: 10 }), BENCH_COUNT: "1" } });
  const during = async (/** @type {() => Promise<unknown>} */ visit) => {
    await server.figures();
    for (let turn = 0; turn < REQUESTS; turn += 1) await visit();
    return (await server.figures()).statements;
  };
  try {
    const cookie = await signIn(server);
    // The first request with a cookie finds out, once for the process, whether the session store answers at once.
    await ask(server, "/public", { cookie });
    const anonymous = await during(() => ask(server, "/public"));
    const withCookie = await during(() => ask(server, "/public", { cookie }));
    const signedIn = await during(() => ask(server, "/me", { cookie }));
    await server.advance(MINUTE);
    const later = await during(() => ask(server, "/me", { cookie }));
    return {
      anonymous: anonymous.length / REQUESTS,
      withCookie: withCookie.length / REQUESTS,
      signedIn: signedIn.length / REQUESTS,
      writesInAMinute: later.filter(isWrite).length,
    };
  } finally {
    await server.stop();
  }
}

/** @returns {Promise<import("../lib/statistics.mjs").Row[]>} */
export async function run() {
  const { anonymous, withCookie, signedIn, writesInAMinute } = await countStatements();
  const row = (/** @type {string} */ what, /** @type {number} */ measured, /** @type {number} */ goal) => ({
    what,
    measured: String(measured),
    goal: String(goal),
    reached: measured <= goal,
  });
  return [
    row("statements for an anonymous page", anonymous, 0),
    row("statements for a page that needs no user, signed in", withCookie, 0),
    row("statements for a page of a user", signedIn, 1),
    row("writes in a minute of a user's pages", writesInAMinute, 1),
  ];
}
