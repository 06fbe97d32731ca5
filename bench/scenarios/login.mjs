/** Logins a second against what the machine's cores can hash when they do nothing else. @module */
import { makeAccounts } from "../lib/accounts.mjs";
import { hashRate } from "../lib/hash-rate.mjs";
import { startServer } from "../lib/server.mjs";
import { median } from "../lib/statistics.mjs";
import { keepSigningIn } from "../lib/visitors.mjs";

const CLIENTS = 16;
const GOAL = 0.95;
/** Logins in one run, for about four seconds on the machine of the README. */
const COUNTS = new Map([
  [10, 96],
  [12, 32],
]);

/** @param {import("../lib/compare.mjs").Settings} settings @param {number} cost @param {number} count */
async function ratioTo({ rounds, log }, cost, count) {
  const server = await startServer("castellan", { env: { BENCH_FILE: await makeAccounts({ cost }), BENCH_COST: String(cost) } });
  const logins = (/** @type {number} */ most) => keepSigningIn(server, { clients: CLIENTS, goOn: (started) => started < most });
  const ratios = [];
  try {
    await logins(CLIENTS); // the threads are started by the first
    let before = await hashRate({ cost, count });
    for (let round = 1; round <= rounds; round += 1) {
      const reached = await logins(count);
      const after = await hashRate({ cost, count });
      const ratio = (2 * reached) / (before + after);
      log(`cost ${cost} round ${round}: ${reached.toFixed(1)} logins/s, ${ratio.toFixed(3)} of the limit`);
      ratios.push(ratio);
      before = after;
    }
  } finally {
    await server.stop();
  }
  return median(ratios);
}

/** @param {import("../lib/compare.mjs").Settings} settings @returns {Promise<import("../lib/statistics.mjs").Row[]>} */
export async function run(settings) {
  const rows = [];
  for (const [cost, count] of COUNTS) {
    const ratio = await ratioTo(settings, cost, count);
    rows.push({
      what: `logins by ${CLIENTS} clients, bcrypt cost ${cost}`,
      measured: `${ratio.toFixed(2)} × cores ÷ hash time`,
      goal: `≥ ${GOAL}`,
      reached: ratio >= GOAL,
    });
  }
  return rows;
}
