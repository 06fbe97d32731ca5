/** Starts a server of this folder as a process of its own. @module */
import { fork } from "node:child_process";
import { once } from "node:events";
import { get } from "node:http";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Figures
 * @property {number} cpuUs CPU time used since the start, all threads
 * @property {number} rss resident memory in bytes
 * @property {readonly string[]} statements what ran in the database since the last question, if the server counts and the database is SQLite
 * @property {readonly string[]} operations the storer's operations since then, by name, if the server counts
 * @property {number} now what the server's clock says
 * @property {readonly string[]} mails the texts of those that were delivered for this question
 */
/**
 * @typedef {object} Server
 * @property {string} name
 * @property {string} url
 * @property {number} readyMs from the start of the process to its first answer
 * @property {() => Promise<Figures>} figures
 * @property {(milliseconds: number) => Promise<Figures>} advance moves the server's clock, if it has one of its own
 * @property {() => Promise<Figures>} deliver has the mails sent that wait, if the server sends any; what that asks of the database is told with the next question
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<void>} */
const answered = (/** @type {string} */ url) =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => response.resume().on("end", resolve));
    request.on("error", reject);
  });

/**
 * @param {"castellan" | "express" | "express-session"} name
 * @param {{ env?: Record<string, string>, execArgv?: string[] }} [options]
 * @returns {Promise<Server>}
 */
export async function startServer(name, { env = {}, execArgv = [] } = {}) {
  const program = fileURLToPath(new URL(`../servers/${name}.mjs`, import.meta.url));
  const began = performance.now();
  const child = fork(program, { env: { ...process.env, NODE_ENV: "production", ...env }, execArgv });
  const ended = once(child, "exit");
  const [told] = await Promise.race([once(child, "message"), ended]);
  if (typeof told !== "object" || told === null) throw new Error(`the server ${name} ended before it listened`);
  const url = `http://127.0.0.1:${told.port}`;
  await answered(`${url}/public`);
  const readyMs = performance.now() - began;
  const ask = async (/** @type {object} */ question) => {
    child.send(question);
    const [answer] = await once(child, "message");
    return answer;
  };
  return {
    name,
    url,
    readyMs,
    figures: () => ask({}),
    advance: (milliseconds) => ask({ advance: milliseconds }),
    deliver: () => ask({ deliver: true }),
    async stop() {
      // The server leaves by itself when its channel is closed, so that a profile it was asked for is written.
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
