/** What changes with the number of users: the storer's part of a session check, a login and a registration, and the room that rows take. @module */
import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { openStorer } from "castellan";
import { withEngines } from "../lib/engines.mjs";
import { databaseBeside, fill, isSql, sizesOf, someOf } from "../lib/filling.mjs";
import { floorOf } from "../lib/floors.mjs";
import { HOUR } from "../lib/rows.mjs";
import { median } from "../lib/statistics.mjs";
import { inTurns, usualOf } from "../lib/turns.mjs";
import { worksOn } from "../lib/works.mjs";

const SMALLEST = 1000;
/** Users whose sign-ins are looked at, picked over the whole table. */
const PICKED = 5000;
/** What a user with a sign-in and a session takes at most while it is filled in, logs of the database included. */
const BYTES_PER_USER = 8000;
/** How often in a turn, and how many turns. Short ones are fair: what others do to the machine falls on all alike. */
const TIMES = { check: 10, login: 3, registration: 3 };
const ROUNDS = { check: 40, login: 15, registration: 15 };
/** What is done, what it is compared with, and what it is called in the table. */
const WORKS = /** @type {const} */ ([
  ["check", "read", "session check"],
  ["login", "write", "login without its hash"],
  ["registration", "write", "registration without its hash"],
]);
/** As many rows as a gate removes at a time, and how often that is tried. */
const SWEEP = { rows: 10_000, times: 3 };

/** @typedef {{ uri: string, picked: readonly import("../lib/works.mjs").Picked[] }} Side */

/** How long a sweep of expired sign-ins takes, in microseconds. @param {import("castellan").OpenedStorer} storer @param {Date} now */
async function sweepUs(storer, now) {
  const took = [];
  for (let turn = 0; turn < SWEEP.times; turn += 1) {
    const began = performance.now();
    const swept = await storer.sweep(new Date(now.getTime() + 2 * 24 * HOUR), SWEEP.rows);
    took.push((performance.now() - began) * 1000);
    if (swept !== SWEEP.rows) throw new Error(`${swept} rows were swept`);
  }
  return median(took);
}

/** Numbers of rows, evenly over the table. */
const numbersUpTo = (/** @type {number} */ users) =>
  Array.from({ length: Math.min(users, PICKED) }, (_, place) => 1 + Math.floor((place * users) / Math.min(users, PICKED)));

/** In an order that has nothing to do with that of the rows, and is the same in each run. @template T @param {readonly T[]} all */
const mixed = (all) => all.map((_, place) => /** @type {T} */ (all[(place * 7919) % all.length]));

/** A database of 1,000 users beside the one of `uri`. @param {string} uri @param {string} name @param {Date} now */
async function begun(uri, name, now) {
  const beside = await databaseBeside(uri, name);
  await withStorer(beside, async () => fill(beside, 1, SMALLEST, now));
  return beside;
}

/** @template T @param {string} uri @param {(storer: import("castellan").OpenedStorer) => Promise<T>} work */
async function withStorer(uri, work) {
  const storer = await openStorer(uri);
  try {
    await storer.ready?.();
    return await work(storer);
  } finally {
    await storer.close?.();
  }
}

/**
 * The works of two databases against each other and against the floor, by new connections in each round: which connection the machine favours is chance, and lasts as long as the connection does.
 * @param {{ rounds: number, now: Date, floor: import("../lib/floors.mjs").Floor }} settings
 * @param {readonly [Side, Side]} sides
 */
async function compared({ rounds, now, floor }, [few, many]) {
  /** @type {Record<keyof typeof TIMES, { few: number, least: number, us: number }[]>} */
  const found = { check: [], login: [], registration: [] };
  for (let round = 1; round <= rounds; round += 1) {
    await withStorer(few.uri, (storerOfFew) =>
      withStorer(many.uri, async (storerOfMany) => {
        const [small, large] = [worksOn(storerOfFew, few.picked, now), worksOn(storerOfMany, many.picked, now)];
        for (const [work, least] of WORKS) {
          const took = await inTurns([floor[least].once, small[work], large[work]], { rounds: ROUNDS[work], times: TIMES[work] });
          const [leastUs = NaN, fewUs = NaN, manyUs = NaN] = took.map(usualOf);
          found[work].push({ few: manyUs / fewUs, least: manyUs / leastUs, us: manyUs });
        }
      }),
    );
  }
  return found;
}

/** @param {readonly number[]} ratios */
const spread = (ratios) => `${median(ratios).toFixed(2)} × (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;

/** What one engine shows. @param {import("../lib/compare.mjs").Settings} settings @param {import("../lib/engines.mjs").Engine} engine @param {(what: string, measured: string) => void} row */
async function growOn({ rounds, users, log }, { name, uri }, row) {
  const floor = await floorOf(uri);
  if (!floor) throw new Error(`${name} has no floor`);
  const now = new Date();
  const few = await begun(uri, "growth_small", now);
  const many = await begun(uri, "growth_large", now);
  let [loginUs, reached] = [NaN, 0];
  let sizes = await sizesOf(many);
  for (let size = SMALLEST, before = 0; size <= users; before = size, size *= 10) {
    if (before > 0) {
      await fill(many, before + 1, size, now);
      const grown = await sizesOf(many);
      const [user, signIn, session] = grown.map((bytes, place) => ((bytes - (sizes[place] ?? 0)) / (size - before)).toFixed(0));
      sizes = grown;
      row(`${name}: bytes a row, up to ${size.toLocaleString("en")}`, `user ${user}, sign-in ${signIn}, session ${session}`);
    }
    const side = async (/** @type {string} */ of, /** @type {number} */ most) => ({
      uri: of,
      picked: mixed(await someOf(of, numbersUpTo(most))),
    });
    const found = await compared({ rounds, now, floor }, [await side(few, SMALLEST), await side(many, size)]);
    for (const [work, least, what] of WORKS) {
      const ratios = found[work];
      const toLeast = median(ratios.map((ratio) => ratio.least)).toFixed(1);
      row(
        `${name}, ${size.toLocaleString("en")} users: ${what}`,
        `${spread(ratios.map((ratio) => ratio.few))}, ${toLeast} × ${floor[least].name}`,
      );
    }
    loginUs = median(found.login.map(({ us }) => us));
    reached = size;
  }
  await floor.close();
  if (reached < SWEEP.times * SWEEP.rows) return;
  const took = await withStorer(many, (storer) => sweepUs(storer, now));
  log(`${name}: a sweep took ${(took / 1000).toFixed(0)} ms`);
  row(
    `${name}: a sweep of ${SWEEP.rows.toLocaleString("en")} sign-ins`,
    `as long as ${(took / loginUs).toFixed(0)} logins without their hash`,
  );
}

/**
 * @param {import("../lib/compare.mjs").Settings} settings
 * @returns {Promise<import("../lib/statistics.mjs").Row[]>}
 */
export async function run(settings) {
  const { users, log } = settings;
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < users * BYTES_PER_USER * 2) throw new Error(`${tmpdir()} has no room for ${users} users: say fewer by --users`);
  /** @type {import("../lib/statistics.mjs").Row[]} */
  const rows = [];
  await withEngines(settings, async (engine) => {
    if (!isSql(engine.uri)) return log(`${engine.name} is left out: it is no SQL database`);
    await growOn(settings, engine, (what, measured) => {
      log(`${what}: ${measured}`);
      rows.push({ what, measured, goal: "", reached: null });
    });
  });
  return rows;
}
