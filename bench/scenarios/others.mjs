/** How long everybody else waits while many clients keep logging in. @module */
import { makeAccounts } from "../lib/accounts.mjs";
import { hashRate } from "../lib/hash-rate.mjs";
import { probe } from "../lib/probe.mjs";
import { startServer } from "../lib/server.mjs";
import { median, percentile } from "../lib/statistics.mjs";
import { keepSigningIn } from "../lib/visitors.mjs";

const CLIENTS = 16;
const RATE = 100;
const GOAL = 1.5;
const COST = 10;
const PAGES = new Map([
  ["/public", "p99 of a page for everybody while 16 clients keep logging in"],
  ["/file", "p99 of a page that reads a file through libuv's pool, likewise"],
]);

/**
 * The idle server is the same program. It is probed in the same moments as the busy one, so that what is left there is the machine's own scheduling.
 * @param {import("../lib/compare.mjs").Settings} settings
 * @returns {Promise<import("../lib/statistics.mjs").Row[]>}
 */
export async function run({ rounds, seconds, log }) {
  const env = { BENCH_FILE: await makeAccounts({ cost: COST }), BENCH_COST: String(COST) };
  const [busy, idle] = [await startServer("castellan", { env }), await startServer("castellan")];
  const ratios = new Map([...PAGES.keys()].map((path) => [path, /** @type {number[]} */ ([])]));
  const rates = [];
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const limit = await hashRate({ cost: COST, count: 64 });
      let isOver = false;
      const load = keepSigningIn(busy, { clients: CLIENTS, goOn: () => !isOver });
      await probe(
        [busy.url, idle.url].map((url) => `${url}/public`),
        { rate: RATE, seconds: 1 },
      ); // warms up
      for (const path of PAGES.keys()) {
        const waits = await probe([busy.url + path, idle.url + path], { rate: RATE, seconds: 2 * seconds });
        const [loaded = NaN, control = NaN] = waits.map((ms) => percentile(ms, 99));
        ratios.get(path)?.push(loaded / control);
        log(`round ${round} ${path}: p99 ${loaded.toFixed(1)} ms, idle ${control.toFixed(1)} ms`);
      }
      isOver = true;
      rates.push((await load) / limit);
    }
  } finally {
    await Promise.all([busy.stop(), idle.stop()]);
  }
  const rate = median(rates).toFixed(2);
  return [...PAGES].map(([path, what]) => {
    const ratio = median(ratios.get(path) ?? []);
    return {
      what,
      measured: `${ratio.toFixed(2)} × that of an idle server, at ${rate} × cores ÷ hash time`,
      goal: `≤ ${GOAL}`,
      reached: ratio <= GOAL,
    };
  });
}
