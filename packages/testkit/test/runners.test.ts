import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { countingConformance, serverStorerConformance } from "@castellan/testkit";
import { it } from "vitest";

const FIXTURE = fileURLToPath(new URL("fixtures/memory.node-test.mjs", import.meta.url));

it("the suites run under node:test too", async () => {
  const args = ["--test", "--test-reporter=tap", FIXTURE];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env["PATH"] } });
  // One case needs a way to remove users, which the fixture does not give.
  const expected = [...serverStorerConformance.cases, ...countingConformance.cases].filter(({ needs }) => !needs).length;
  assert.match(stdout, new RegExp(`# pass ${expected}\n# fail 0`));
});
