/** What every server of this folder does: listen on a free port of this machine, and tell the driver about itself. @module */
import { readFile } from "node:fs/promises";

/** A small file: reading it takes a few trips through libuv's pool, which password hashes must not fill. */
export const smallFile = () => readFile(new URL("../package.json", import.meta.url), "utf8");

/**
 * Talks over the channel to the parent process, so that nothing is mounted in the application for the measurement's sake.
 * @param {import("express").Express} app
 * @param {{ statements?: () => readonly string[], operations?: () => readonly string[], advance?: (milliseconds: number) => void }} [told]
 */
export function serve(app, { statements = () => [], operations = () => [], advance = () => {} } = {}) {
  const server = app.listen(0, "127.0.0.1", () => process.send?.({ port: server.address().port }));
  process.on("message", (/** @type {{ advance?: number }} */ question) => {
    if (question.advance) advance(question.advance);
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuUs: user + system, rss: process.memoryUsage.rss(), statements: statements(), operations: operations() });
  });
  process.on("disconnect", () => process.exit(0));
}
