/** From the start of the process to its first answer, and the memory it holds then. @module */
import { setTimeout as pause } from "node:timers/promises";
import { makeAccounts } from "../lib/accounts.mjs";
import { startServer } from "../lib/server.mjs";
import { median } from "../lib/statistics.mjs";

const GOAL = { ready: 1.15, mebibytes: 15 };
/** Until what starting left behind has settled. */
const SETTLING_MS = 500;

/** @param {"castellan" | "express"} name @param {Record<string, string>} env */
async function start(name, env) {
  const server = await startServer(name, { env });
  await pause(SETTLING_MS);
  const { rss } = await server.figures();
  await server.stop();
  return { readyMs: server.readyMs, mebibytes: rss / 2 ** 20 };
}

/** @param {import("../lib/compare.mjs").Settings} settings @returns {Promise<import("../lib/statistics.mjs").Row[]>} */
export async function run({ rounds, log }) {
  const env = { BENCH_FILE: await makeAccounts({ cost: 10 }) };
  const runs = [];
  await start("castellan", env); // what the disk had to fetch is not the suite's doing
  let before = await start("express", env);
  for (let round = 1; round <= 2 * rounds; round += 1) {
    const suite = await start("castellan", env);
    const after = await start("express", env);
    const ready = (2 * suite.readyMs) / (before.readyMs + after.readyMs);
    const mebibytes = suite.mebibytes - (before.mebibytes + after.mebibytes) / 2;
    log(`start ${round}: ready in ${ready.toFixed(2)} × ${after.readyMs.toFixed(0)} ms, +${mebibytes.toFixed(1)} MiB`);
    runs.push({ ready, mebibytes });
    before = after;
  }
  const ready = median(runs.map((one) => one.ready));
  const mebibytes = median(runs.map((one) => one.mebibytes));
  return [
    {
      what: "start to first answer",
      measured: `${ready.toFixed(2)} × bare Express`,
      goal: `≤ ${GOAL.ready}`,
      reached: ready <= GOAL.ready,
    },
    {
      what: "idle memory",
      measured: `bare Express + ${mebibytes.toFixed(0)} MiB`,
      goal: `≤ + ${GOAL.mebibytes} MiB`,
      reached: mebibytes <= GOAL.mebibytes,
    },
  ];
}
