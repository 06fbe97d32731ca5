// @ts-check
/**
 * Checks what would be published: each package holds its compiled code, README and LICENSE, and every entry point that package.json promises.
 * `node scripts/pack-check.mjs` @module
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const root = fileURLToPath(new URL("..", import.meta.url));
/** @type {string[]} */
const problems = [];

for (const folder of readdirSync(`${root}packages`)) {
  const pkgDir = `${root}packages/${folder}`;
  const manifest = JSON.parse(readFileSync(`${pkgDir}/package.json`, "utf8"));
  const { status, stdout, stderr } = spawnSync("npm", ["pack", "--dry-run", "--json"], { cwd: pkgDir, encoding: "utf8" });
  if (status !== 0) {
    problems.push(`${folder}: npm pack failed: ${stderr}`);
    continue;
  }
  /** @type {{ files: { path: string }[] } | undefined} */
  const packed = Object.values(JSON.parse(stdout))[0];
  const files = new Set((packed?.files ?? []).map(({ path }) => path));
  const entries = Object.values(manifest.exports).flatMap((/** @type {Record<string, string>} */ entry) => Object.values(entry));
  for (const wanted of ["README.md", "LICENSE", ...entries.map((path) => path.replace("./", ""))]) {
    if (!files.has(wanted)) problems.push(`${folder}: ${wanted} would not be published`);
  }
  for (const path of files) {
    if (/tsbuildinfo|^test\/|\.db/.test(path)) problems.push(`${folder}: ${path} would be published; leave it out by \`files\``);
  }
  const { messages } = await publint({ pkgDir, strict: true });
  for (const message of messages) problems.push(`${folder}: ${formatMessage(message, manifest, { color: false })}`);
}

for (const problem of problems) console.error(`- ${problem}`);
console.log(problems.length === 0 ? "pack: every package is whole" : `pack: ${problems.length} to mend`);
process.exitCode = problems.length === 0 ? 0 : 1;
