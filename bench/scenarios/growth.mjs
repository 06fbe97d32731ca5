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
const ROUNDS = { check: 40, login: 20, registration: 20 };
/** As many rows as a gate removes at a time, and how often that is tried. */
const SWEEP = { rows: 10_000, times: 3 };

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

/** One of 1,000 users and one that grows. @param {string} uri */
async function openPair(uri) {
  const uris = [await databaseBeside(uri, "growth_small"), await databaseBeside(uri, "growth_large")];
  const now = new Date();
  const storers = [];
  for (const one of uris) {
    const storer = await openStorer(one);
    await storer.ready?.();
    storers.push(storer);
    await fill(one, 1, SMALLEST, now);
  }
  return { uris, storers, now };
}

/**
 * @param {import("../lib/compare.mjs").Settings} settings
 * @returns {Promise<import("../lib/statistics.mjs").Row[]>}
 */
export async function run(settings) {
  const { rounds, users, log } = settings;
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < users * BYTES_PER_USER * 2) throw new Error(`${tmpdir()} has no room for ${users} users: say fewer by --users`);
  /** @type {import("../lib/statistics.mjs").Row[]} */
  const rows = [];
  const row = (/** @type {string} */ what, /** @type {string} */ measured) => void rows.push({ what, measured, goal: "", reached: null });
  await withEngines(settings, async ({ name, uri }) => {
    if (!isSql(uri)) return log(`${name} is left out: it is no SQL database`);
    const { uris, storers, now } = await openPair(uri);
    const floor = await floorOf(uri);
    if (!floor) throw new Error(`${name} has no floor`);
    try {
      let [loginUs, reached] = [NaN, 0];
      let sizes = await sizesOf(uris[1] ?? "");
      for (let size = SMALLEST, before = 0; size <= users; before = size, size *= 10) {
        if (before > 0) {
          const began = performance.now();
          await fill(uris[1] ?? "", before + 1, size, now);
          const grown = await sizesOf(uris[1] ?? "");
          const [user, signIn, session] = grown.map((bytes, place) => ((bytes - (sizes[place] ?? 0)) / (size - before)).toFixed(0));
          sizes = grown;
          log(`${name}: ${size} users after ${((performance.now() - began) / 1000).toFixed(0)} s`);
          row(`${name}: bytes a row, up to ${size.toLocaleString("en")}`, `user ${user}, sign-in ${signIn}, session ${session}`);
        }
        const [small, large] = await Promise.all(
          storers.map(async (storer, place) =>
            worksOn(storer, mixed(await someOf(uris[place] ?? "", numbersUpTo(place === 0 ? SMALLEST : size))), now),
          ),
        );
        if (!small || !large) throw new Error("there are two databases");
        reached = size;
        for (const [what, work, { once, name: floorName }] of /** @type {const} */ ([
          ["session check", "check", floor.read],
          ["login without its hash", "login", floor.write],
          ["registration without its hash", "registration", floor.write],
        ])) {
          const took = await inTurns([once, small[work], large[work]], { rounds: ROUNDS[work] * rounds, times: TIMES[work] });
          const [least = NaN, few = NaN, many = NaN] = took.map(usualOf);
          const measured = `${(many / few).toFixed(2)} × among ${SMALLEST.toLocaleString("en")} users (${(many / least).toFixed(1)} × ${floorName})`;
          if (work === "login") loginUs = many;
          log(`${name}, ${size} users: ${what}: ${measured}, ${many.toFixed(0)} µs`);
          row(`${name}, ${size.toLocaleString("en")} users: ${what}`, measured);
        }
      }
      const [, large] = storers;
      if (large && reached >= SWEEP.times * SWEEP.rows) {
        const took = await sweepUs(large, now);
        log(`${name}: a sweep took ${(took / 1000).toFixed(0)} ms`);
        row(
          `${name}: a sweep of ${SWEEP.rows.toLocaleString("en")} sign-ins`,
          `as long as ${(took / loginUs).toFixed(0)} logins without their hash`,
        );
      }
    } finally {
      for (const storer of storers) await storer.close?.();
      await floor.close();
    }
  });
  return rows;
}
