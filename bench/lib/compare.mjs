/** A page of one server against the same page of bare Express, in interleaved rounds. @module */
import { load } from "./load.mjs";
import { median } from "./statistics.mjs";

/**
 * @typedef {object} Settings
 * @property {number} rounds
 * @property {number} seconds how long one measured run lasts
 * @property {number} pairs how many pairs of logins are timed
 * @property {number} users in the largest database of `growth`
 * @property {readonly string[]} databases `name=uri`, for `engines`
 * @property {readonly string[]} engines those that are asked for, by name; none for all
 * @property {(line: string) => void} log
 */

const CONNECTIONS = 32;
const WARM_UP_SECONDS = 1;

/**
 * Bare Express is measured before and after each run, and the run is compared with the mean of both: a machine that slows down half-way shifts no ratio.
 * @param {Settings} settings
 * @param {{ base: import("./server.mjs").Server, server: import("./server.mjs").Server, path: string, cookie?: string }} given
 * @returns {Promise<{ perSecond: number, cpu: number }>} ratios to bare Express, medians over the rounds
 */
export async function compare({ rounds, seconds, log }, { base, server, path, cookie }) {
  const measure = async (/** @type {import("./server.mjs").Server} */ which) => {
    // A server that has stood idle for a moment answers slowly at first.
    await load(which, { path, cookie, seconds: WARM_UP_SECONDS, connections: CONNECTIONS });
    return load(which, { path, cookie, seconds, connections: CONNECTIONS });
  };
  const ratios = [];
  // What is compiled only after thousands of requests is no part of the first round.
  await measure(base);
  await measure(server);
  let before = await measure(base);
  for (let round = 1; round <= rounds; round += 1) {
    const run = await measure(server);
    const after = await measure(base);
    const ratio = {
      perSecond: (2 * run.perSecond) / (before.perSecond + after.perSecond),
      cpu: (2 * run.cpuUs) / (before.cpuUs + after.cpuUs),
    };
    log(
      `${server.name} ${path} round ${round}: ${ratio.perSecond.toFixed(3)} of the requests a second, ${ratio.cpu.toFixed(3)} of the CPU (${run.cpuUs.toFixed(0)} us)`,
    );
    ratios.push(ratio);
    before = after;
  }
  return { perSecond: median(ratios.map(({ perSecond }) => perSecond)), cpu: median(ratios.map(({ cpu }) => cpu)) };
}
