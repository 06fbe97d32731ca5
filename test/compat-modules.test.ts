import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../", import.meta.url));

/** Runs Node as an application's own start would, and waits until it ends by itself. */
const node = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, args, { cwd: root, timeout: 25_000, env: { PATH: process.env["PATH"] ?? "" } });

describe("an application in plain JavaScript", () => {
  it.each(["application.cjs", "application.mjs"])(
    "serves people with every module and SQLite, and ends when it is closed: %s",
    async (file) => {
      const { stdout, stderr } = await node(`test/fixtures/compat/${file}`);
      assert.deepEqual(JSON.parse(stdout), { status: 200, account: "account of ann@example.com" });
      assert.equal(stderr, "");
    },
  );
});

/** Every name that the packages can be imported by. */
function entries(): string[] {
  return readdirSync(`${root}packages`).flatMap((folder) => {
    const { name, exports } = JSON.parse(readFileSync(`${root}packages/${folder}/package.json`, "utf8")) as {
      readonly name: string;
      readonly exports: Readonly<Record<string, unknown>>; // every package of the workspace has them
    };
    return Object.keys(exports)
      .filter((path) => !path.includes("*") && !path.endsWith(".json") && !path.endsWith(".css"))
      .map((path) => name + path.slice(1));
  });
}

const PROBE = `
const traces = () => ({
  globals: Object.getOwnPropertyNames(globalThis).sort(),
  listeners: process.eventNames().map(String).sort(),
  resources: process.getActiveResourcesInfo().sort(),
  types: ["Object", "Array", "Promise", "String"].map((name) => Object.getOwnPropertyNames(globalThis[name].prototype).length),
});
// A logger that looks whether standard error is a terminal opens it: that is no trace.
const streams = [process.stdout, process.stderr];
const before = traces();
await LOAD;
await new Promise((resolve) => setImmediate(resolve));
console.log(JSON.stringify({ before, after: traces() }));
`;

describe("loading a package", () => {
  it.each(entries())("leaves nothing behind and keeps no process alive: %s", async (entry) => {
    const { stdout, stderr } = await node("--input-type=module", "-e", PROBE.replace("LOAD", `import(${JSON.stringify(entry)})`));
    const { before, after } = JSON.parse(stdout) as { before: unknown; after: unknown }; // printed by the probe above
    assert.deepEqual(after, before);
    assert.equal(stderr, "");
  });

  it.each(entries())("gives the same names by require() as by import: %s", async (entry) => {
    const name = JSON.stringify(entry);
    const { stdout } = await node(
      "--input-type=module",
      "-e",
      `
      import { createRequire } from "node:module";
      const [required, imported] = [createRequire(process.cwd() + "/")(${name}), await import(${name})];
      console.log(JSON.stringify({ same: required === imported || Object.keys(imported).every((key) => required[key] === imported[key]) }));
    `,
    );
    assert.deepEqual(JSON.parse(stdout), { same: true });
  });
});
