/** What it costs to know who is there: a live session, checked and its user loaded, on each request. @module */
import { comparePage } from "../lib/pages.mjs";
import { ask, signIn } from "../lib/visitors.mjs";

/** @param {import("../lib/server.mjs").Server} server */
async function cookieThatOpens(server) {
  const cookie = await signIn(server);
  const { status } = await ask(server, "/me", { cookie });
  if (status !== 200) throw new Error(`${server.name} answered ${status} to somebody who is signed in`);
  return cookie;
}

/** @param {import("../lib/compare.mjs").Settings} settings */
export const run = (settings) =>
  comparePage(settings, { what: "a page for users (session checked, user loaded)", path: "/me", goal: 0.75, cookieOf: cookieThatOpens });
