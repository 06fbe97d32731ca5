/** What every server of this folder does: listen on a free port of this machine, and tell the driver about itself. @module */
import { readFile } from "node:fs/promises";

/** A small file: reading it takes a few trips through libuv's pool, which password hashes must not fill. */
export const smallFile = () => readFile(new URL("../package.json", import.meta.url), "utf8");

/**
 * Talks over the channel to the parent process, so that nothing is mounted in the application for the measurement's sake.
 * @param {import("express").Express} app
 * @param {{ statements?: () => readonly string[], operations?: () => readonly string[], now?: () => number, advance?: (milliseconds: number) => void, deliver?: () => Promise<readonly string[]> }} [told]
 */
export function serve(
  app,
  { statements = () => [], operations = () => [], now = Date.now, advance = () => {}, deliver = async () => [] } = {},
) {
  const server = app.listen(0, "127.0.0.1", () => process.send?.({ port: server.address().port }));
  process.on("message", async (/** @type {{ advance?: number, deliver?: boolean }} */ question) => {
    if (question.advance) advance(question.advance);
    const { user, system } = process.cpuUsage();
    const told = { cpuUs: user + system, rss: process.memoryUsage.rss(), now: now() };
    // What a delivery asks of the database is told with the next question.
    if (question.deliver) process.send?.({ ...told, mails: await deliver(), statements: [], operations: [] });
    else process.send?.({ ...told, mails: [], statements: statements(), operations: operations() });
  });
  process.on("disconnect", () => process.exit(0));
}
