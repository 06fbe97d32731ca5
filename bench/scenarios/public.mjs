/** What it costs an anonymous page that the suite is mounted at all. @module */
import { comparePage } from "../lib/pages.mjs";

/** @param {import("../lib/compare.mjs").Settings} settings */
export const run = (settings) => comparePage(settings, { what: "a page for everybody, anonymous", path: "/public", goal: 0.9 });
