/** The databases that storers are measured on: files, servers started here, and servers that somebody names. @module */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStorer } from "castellan";
import { servers } from "./database-servers.mjs";

/**
 * @typedef {object} Engine
 * @property {string} name
 * @property {string} uri as `openStorer` takes it
 * @property {() => Promise<void>} end
 */

/** A file in a folder of its own. @param {string} scheme @param {string} file */
function inFolder(scheme, file) {
  const folder = mkdtempSync(join(tmpdir(), "castellan-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", remove);
  return { uri: `${scheme}://${join(folder, file)}`, end: async () => remove() };
}

/** `name=uri` of the option `--database`. @param {string} text @returns {[name: string, uri: string]} */
function named(text) {
  const [, name, uri] = /^([^=]+)=(\w[\w+.-]*:\/\/.*)$/s.exec(text) ?? [];
  if (name === undefined || uri === undefined)
    throw new Error("--database takes name=uri, for example PostgreSQL=postgres://user@host/database");
  return [name, uri];
}

/**
 * How each engine is reached, by name. One that is given replaces one of that name that would be started.
 * @param {readonly string[]} given `name=uri`, each of an empty database
 * @returns {Map<string, () => Promise<import("./database-servers.mjs").Database>>}
 */
function waysTo(given) {
  const stays = (/** @type {string} */ uri) => async () => ({ uri, end: async () => {} });
  const ways = new Map([
    ["SQLite", async () => inFolder("sqlite", "app.db")],
    ["JSON file", async () => inFolder("file", "app.json")],
  ]);
  for (const [name, { isThere, start, from }] of servers) {
    ways.set(name, async () => {
      if (!isThere()) throw new Error(`its program is not there: install ${from}, or name a server by --database ${name}=…`);
      return start();
    });
  }
  const { MONGODB_URL } = process.env;
  ways.set("MongoDB", MONGODB_URL ? stays(MONGODB_URL) : () => Promise.reject(new Error("the variable MONGODB_URL names no server")));
  for (const [name, uri] of given.map(named)) ways.set(name, stays(uri));
  return ways;
}

/**
 * Runs `work` with one engine after the other, and leaves out, saying so, what is not there. Where `work` fails the program ends with an error, after the others.
 * @param {{ databases: readonly string[], engines: readonly string[], log: (line: string) => void }} settings `engines`: by name, and none for all
 * @param {(engine: Engine) => Promise<void>} work
 */
export async function withEngines({ databases, engines, log }, work) {
  const ways = waysTo(databases);
  const strangers = engines.filter((name) => !ways.has(name));
  if (strangers.length > 0) throw new Error(`no such engine: ${strangers.join(", ")}; there are ${[...ways.keys()].join(", ")}`);
  for (const [name, open] of ways) {
    if (engines.length > 0 && !engines.includes(name)) continue;
    let database;
    try {
      database = await open();
      // Whether anything opens such an address; what it holds is made later.
      await (await openStorer(database.uri)).close?.();
    } catch (error) {
      await database?.end();
      log(`${name} is left out: ${error instanceof Error ? error.message.trim() : error}`);
      continue;
    }
    try {
      await work({ name, ...database });
    } catch (error) {
      // What was measured on the others is shown all the same.
      process.exitCode = 1;
      log(`${name} failed: ${error instanceof Error ? error.stack : error}`);
    } finally {
      await database.end();
    }
  }
}
