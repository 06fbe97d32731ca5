/** One measured run of many keep-alive connections against one page. @module */
import { execFile, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const generator = fileURLToPath(new URL("./generator.mjs", import.meta.url));
const hasWrk = spawnSync("wrk", ["--version"]).error === undefined;

/** What makes the load: `wrk` where it is installed, as it leaves the server more of the machine. */
export const loadedBy = hasWrk ? "wrk" : "a generator in Node";

/**
 * @param {string} url @param {string} cookie @param {number} seconds @param {number} connections
 * @returns {Promise<{ requests: number, seconds: number }>}
 */
async function byWrk(url, cookie, seconds, connections) {
  const header = cookie === "" ? [] : ["-H", `Cookie: ${cookie}`];
  const { stdout } = await run("wrk", ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "30s", ...header, url]);
  const [, requests, took] = /(\d+) requests in ([\d.]+)s/.exec(stdout) ?? [];
  if (requests === undefined || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk against ${url}:\n${stdout}`);
  return { requests: Number(requests), seconds: Number(took) };
}

/** @type {typeof byWrk} */
async function byGenerator(url, cookie, seconds, connections) {
  const { stdout } = await run(process.execPath, [generator, url, cookie, String(seconds), String(connections)]);
  return JSON.parse(stdout);
}

/**
 * @param {import("./server.mjs").Server} server
 * @param {{ path: string, cookie?: string, seconds: number, connections: number }} settings
 * @returns {Promise<{ perSecond: number, cpuUs: number }>} requests a second, and the server's CPU time for each
 */
export async function load(server, { path, cookie = "", seconds, connections }) {
  const before = await server.figures();
  const done = await (hasWrk ? byWrk : byGenerator)(server.url + path, cookie, seconds, connections);
  const after = await server.figures();
  return { perSecond: done.requests / done.seconds, cpuUs: (after.cpuUs - before.cpuUs) / done.requests };
}
