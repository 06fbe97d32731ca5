/** Whether the time of a refused login tells who has an account. @module */
import { loginOf, makeAccounts, WITHOUT_PASSWORD } from "../lib/accounts.mjs";
import { startServer } from "../lib/server.mjs";
import { median } from "../lib/statistics.mjs";
import { tryToSignIn } from "../lib/visitors.mjs";

const GOAL = 0.05;
const NOBODY = "nobody@example.test";

/**
 * Times a refused login of `login` and one of nobody, in pairs, in turns with the one and the other first.
 * @param {import("../lib/server.mjs").Server} server @param {string} login @param {number} pairs
 * @returns {Promise<number>} how far the medians are apart, as a part of the time that nobody's takes
 */
async function difference(server, login, pairs) {
  const times = new Map([login, NOBODY].map((one) => [one, /** @type {number[]} */ ([])]));
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const one of pair % 2 === 0 ? [login, NOBODY] : [NOBODY, login]) {
      const { status, ms } = await tryToSignIn(server, one, "not the right password");
      if (status !== 401) throw new Error(`a wrong password was answered with ${status}`);
      times.get(one)?.push(ms);
    }
  }
  const [known = NaN, nobody = NaN] = [...times.values()].map(median);
  return known / nobody - 1;
}

/** @param {import("../lib/compare.mjs").Settings} settings @returns {Promise<import("../lib/statistics.mjs").Row[]>} */
export async function run({ pairs, log }) {
  const file = await makeAccounts({ cost: 10 });
  const rows = [];
  /** @param {string} what @param {number} cost @param {string} login @param {number} count */
  const time = async (what, cost, login, count) => {
    const server = await startServer("castellan", { env: { BENCH_FILE: file, BENCH_COST: String(cost) } });
    try {
      await difference(server, login, 5);
      const apart = await difference(server, login, count);
      log(`${what}: ${(100 * apart).toFixed(2)} % over ${count} pairs`);
      rows.push({
        what: `time of a refused login: ${what}, against nobody (${count} pairs)`,
        measured: `${(100 * apart).toFixed(1)} %`,
        goal: `within ${100 * GOAL} %`,
        reached: Math.abs(apart) <= GOAL,
      });
    } finally {
      await server.stop();
    }
  };
  await time("an account", 10, loginOf(1), pairs);
  await time("an account without a password", 10, WITHOUT_PASSWORD, pairs);
  // Cost 10 is the lowest that is still read, so what is older than the cost in use needs a cost of 11 in use, which takes twice as long.
  await time("an account whose hash is of an older cost", 11, loginOf(1), Math.ceil(pairs / 2));
  return rows;
}
