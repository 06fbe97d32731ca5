/** What each database costs: a user's page and a login over HTTP, the look-up of a session against the least that the database can be asked, and what each flow asks of it. @module */
import { fileURLToPath } from "node:url";
import { openStorer } from "castellan";
import { ACCOUNTS, loginOf, makeAccountsIn, NO_COST } from "../lib/accounts.mjs";
import { compare } from "../lib/compare.mjs";
import { withEngines } from "../lib/engines.mjs";
import { floorOf } from "../lib/floors.mjs";
import { countFlows } from "../lib/flows.mjs";
import { startServer } from "../lib/server.mjs";
import { bytesPerRow } from "../lib/sizes.mjs";
import { median } from "../lib/statistics.mjs";
import { inTurns, usualOf } from "../lib/turns.mjs";
import { ask, keepSigningIn, signIn } from "../lib/visitors.mjs";
import { signedIn, worksOn } from "../lib/works.mjs";

const CLIENTS = 16;
/** How often each is done in a turn, and how many turns there are in a round. Short ones are fair: what others do to the machine falls on all alike. */
const [TIMES, TURNS] = [5, 20];
/** The one to which the others are compared too. */
const FIRST = "SQLite";

/** @param {number} ratio */
const times = (ratio) => `${ratio.toFixed(2)} ×`;

/**
 * Logins a second, their hash left out, against bare Express that reads the same and sets a cookie.
 * @param {import("../lib/compare.mjs").Settings} settings
 * @param {{ base: import("../lib/server.mjs").Server, server: import("../lib/server.mjs").Server }} servers
 */
async function compareLogins({ rounds, seconds, log }, { base, server }) {
  const logins = (/** @type {import("../lib/server.mjs").Server} */ which) => {
    const end = performance.now() + seconds * 1000;
    return keepSigningIn(which, { clients: CLIENTS, goOn: () => performance.now() < end });
  };
  await logins(base);
  await logins(server);
  const ratios = [];
  let before = await logins(base);
  for (let round = 1; round <= rounds; round += 1) {
    const reached = await logins(server);
    const after = await logins(base);
    ratios.push((2 * reached) / (before + after));
    log(`login round ${round}: ${ratios.at(-1)?.toFixed(3)} of bare Express (${reached.toFixed(0)} a second)`);
    before = after;
  }
  return median(ratios);
}

/**
 * How often the least that the database can be asked fits into the storer's part of a session check and of a login: one at a time, in turns.
 * @param {import("../lib/compare.mjs").Settings} settings @param {string} uri
 */
async function againstRoundTrip({ rounds }, uri) {
  const floor = await floorOf(uri);
  if (!floor) return null;
  const storer = await openStorer(uri);
  try {
    await storer.ready?.();
    const now = new Date();
    const logins = Array.from({ length: ACCOUNTS }, (_, place) => loginOf(place + 1));
    const { check, login } = worksOn(storer, await signedIn(storer, logins, now), now);
    const against = async (/** @type {import("../lib/floors.mjs").Least} */ least, /** @type {() => Promise<void>} */ work) => {
      const took = await inTurns([least.once, work], { rounds: TURNS * rounds, times: TIMES });
      const [floorUs = NaN, workUs = NaN] = took.map(usualOf);
      return `${times(workUs / floorUs)} ${least.name}`;
    };
    return { check: await against(floor.read, check), login: await against(floor.write, login) };
  } finally {
    await storer.close?.();
    await floor.close();
  }
}

/** What somebody waits for, as far as it can be counted. @param {import("../lib/flows.mjs").Flow} flow */
function askedBy({ operations, statements, roundTrips }) {
  if (statements > 0) return `${statements} statements`;
  return roundTrips === null ? `${operations.length} operations` : `${roundTrips} round trips`;
}

/**
 * @param {import("../lib/compare.mjs").Settings} settings
 * @returns {Promise<import("../lib/statistics.mjs").Row[]>}
 */
export async function run(settings) {
  const { log } = settings;
  const base = await startServer("express");
  /** @type {import("../lib/statistics.mjs").Row[]} */
  const rows = [];
  /** @type {Map<string, string[]>} */
  const counted = new Map();
  /** @type {number | null} */
  let ofFirst = null;
  const row = (/** @type {string} */ what, /** @type {string} */ measured) => void rows.push({ what, measured, goal: "", reached: null });
  try {
    await withEngines(settings, async ({ name, uri }) => {
      await makeAccountsIn(uri, { cost: NO_COST });
      const server = await startServer("castellan", { env: { BENCH_URI: uri, BENCH_COST: String(NO_COST) } });
      try {
        const cookie = await signIn(server);
        const { status } = await ask(server, "/me", { cookie });
        if (status !== 200) throw new Error(`${name}: answered ${status} to somebody who is signed in`);
        log(name);
        const { perSecond, cpu } = await compare(settings, { base, server, path: "/me", cookie });
        if (name === FIRST) ofFirst = perSecond;
        const toFirst = ofFirst === null || name === FIRST ? "" : `, ${times(perSecond / ofFirst)} those on ${FIRST}`;
        row(`${name}: a user's page`, `${times(perSecond)} the requests/s of bare Express (${times(cpu)} its CPU time)${toFirst}`);
        row(
          `${name}: logins without their hash`,
          `${times(await compareLogins(settings, { base, server }))} the logins/s of bare Express that believes everybody`,
        );
      } finally {
        await server.stop();
      }
      const trip = await againstRoundTrip(settings, uri);
      if (trip) {
        row(`${name}: the storer's part of a session check`, trip.check);
        row(`${name}: the storer's part of a login`, trip.login);
      }
      const place = name === FIRST ? { file: fileURLToPath(uri.replace(/^\w+:/, "file:")) } : { uri };
      for (const flow of await countFlows(place)) {
        counted.set(flow.name, [...(counted.get(flow.name) ?? []), `${name} ${askedBy(flow)}`]);
      }
      const bytes = await bytesPerRow(uri).catch((error) => log(`${name} does not say how much room it takes: ${error.message}`));
      if (bytes)
        row(`${name}: bytes a row`, ["user", "sign-in", "session"].map((what, stage) => `${what} ${bytes[stage]?.toFixed(0)}`).join(", "));
    });
  } finally {
    await base.stop();
  }
  for (const [flow, engines] of counted) row(`asked of the storer: ${flow}`, engines.join(", "));
  return rows;
}
