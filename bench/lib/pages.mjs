/** What the measurements of pages share: three servers, and a row for each comparison. @module */
import { makeAccounts } from "./accounts.mjs";
import { compare } from "./compare.mjs";
import { startServer } from "./server.mjs";

const PEERS = /** @type {const} */ (["castellan", "express-session"]);

/**
 * Measures one page of the suite, and of a peer for comparison, against bare Express.
 * @param {import("./compare.mjs").Settings} settings
 * @param {{ what: string, path: string, goal: number, cookieOf?: (server: import("./server.mjs").Server) => Promise<string> }} page
 * @returns {Promise<import("./statistics.mjs").Row[]>}
 */
export async function comparePage(settings, { what, path, goal, cookieOf = async () => "" }) {
  const env = { BENCH_FILE: await makeAccounts({ cost: 10 }) };
  const base = await startServer("express");
  const rows = [];
  try {
    for (const name of PEERS) {
      const server = await startServer(name, { env });
      try {
        const { perSecond, cpu } = await compare(settings, { base, server, path, cookie: await cookieOf(server) });
        const isOurs = name === "castellan";
        rows.push({
          what: isOurs ? what : `— for comparison: ${name}, in memory`,
          measured: `${perSecond.toFixed(2)} × the requests/s of bare Express (${cpu.toFixed(2)} × its CPU time)`,
          goal: isOurs ? `≥ ${goal.toFixed(2)}` : "",
          reached: isOurs ? perSecond >= goal : null,
        });
      } finally {
        await server.stop();
      }
    }
  } finally {
    await base.stop();
  }
  return rows;
}
