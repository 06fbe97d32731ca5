/** What a session costs a page that needs no user. @module */
import { comparePage } from "../lib/pages.mjs";
import { signIn } from "../lib/visitors.mjs";

/** @param {import("../lib/compare.mjs").Settings} settings */
export const run = (settings) =>
  comparePage(settings, {
    what: "a page for everybody, signed in",
    path: "/public",
    goal: 0.9,
    cookieOf: (server) => signIn(server),
  });
