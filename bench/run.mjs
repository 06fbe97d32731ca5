#!/usr/bin/env node
/** `npm run bench -- [SCENARIO…] [--rounds 5] [--seconds 3] [--pairs 200] [--wait 0] [--database NAME=URI]…`: prints one table. What it means: README.md beside. @module */
import { availableParallelism, cpus } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { loadedBy } from "./lib/load.mjs";
import { table } from "./lib/statistics.mjs";

const SCENARIOS = ["start", "queries", "public", "cookie", "me", "login", "others", "timing"];
/** Run only when they are named: they take longer, and start servers. */
const LONG_SCENARIOS = ["engines", "growth"];
const ALL_SCENARIOS = [...SCENARIOS, ...LONG_SCENARIOS];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    pairs: { type: "string", default: "200" },
    wait: { type: "string", default: "0" },
    database: { type: "string", multiple: true, default: [] },
    engine: { type: "string", multiple: true, default: [] },
    users: { type: "string", default: "1000000" },
  },
});
const strangers = positionals.filter((name) => !ALL_SCENARIOS.includes(name));
if (strangers.length > 0) {
  console.error(`no such scenario: ${strangers.join(", ")}; there are ${ALL_SCENARIOS.join(", ")}`);
  process.exit(2);
}

const log = (/** @type {string} */ line) => console.error(line);
const settings = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  pairs: Number(values.pairs),
  users: Number(values.users),
  databases: values.database,
  engines: values.engine,
  log,
};

/** Fewer cores than this in use by others: quiet. */
const QUIET = 0.1;

/** How many cores somebody else keeps busy. */
async function noise() {
  const busy = () => cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  const [before, began] = [busy(), performance.now()];
  await pause(1000);
  return (busy() - before) / (performance.now() - began);
}

/** Waits until others are quiet, but no longer than so many seconds. Answers how quiet they are. */
async function quiet(/** @type {number} */ seconds) {
  const end = performance.now() + seconds * 1000;
  let others = await noise();
  while (others > QUIET && performance.now() < end) others = await noise();
  return others;
}

// What was made in the temporary folder goes away too when somebody stops it.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const rows = [];
let loudest = 0;
for (const name of positionals.length > 0 ? positionals : SCENARIOS) {
  const others = await quiet(Number(values.wait));
  loudest = Math.max(loudest, others);
  log(`— ${name} (others use ${others.toFixed(2)} cores)`);
  const { run } = await import(`./scenarios/${name}.mjs`);
  rows.push(...(await run(settings)));
}
console.log(table(rows));
console.log(
  `\n${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), ` +
    `${values.rounds} rounds, load by ${loadedBy}; before each scenario others used at most ${loudest.toFixed(2)} cores.`,
);
