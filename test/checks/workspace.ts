/** A small workspace on disk, for the checks to find fault with. @module */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** Files by path; `null` leaves one out. */
export type Files = Readonly<Record<string, string | object | null>>;

const manifest = (name: string, more: object = {}): object => ({
  name,
  version: "0.1.0",
  description: "A package",
  keywords: ["castellan"],
  license: "MIT",
  ...more,
});
const dependsOn = (...names: readonly string[]): object => ({ dependencies: Object.fromEntries(names.map((name) => [name, "0.1.0"])) });
const references = (...folders: readonly string[]): object => ({ references: folders.map((folder) => ({ path: `../${folder}` })) });

/** A workspace in which nothing is wrong: core, two features, and the package that people install. */
const GOOD: Files = {
  LICENSE: "free",
  "tsconfig.json": { references: ["core", "auth", "lock", "defaults", "castellan"].map((folder) => ({ path: `packages/${folder}` })) },
  "packages/core/package.json": manifest("@castellan/core", { peerDependencies: { express: "^5" } }),
  "packages/core/tsconfig.json": references(),
  "packages/core/src/index.ts": 'import type { Request } from "express";\nexport type R = Request;\n',
  "packages/core/src/time.ts": "export const systemClock = { now: () => new Date() };\n",
  "packages/auth/package.json": manifest("@castellan/auth", dependsOn("@castellan/core")),
  "packages/auth/tsconfig.json": references("core"),
  "packages/auth/src/index.ts":
    'import { a } from "@castellan/core";\nexport const at = (milliseconds: number) => new Date(milliseconds);\n',
  "packages/lock/package.json": manifest("@castellan/lock", dependsOn("@castellan/core")),
  "packages/lock/tsconfig.json": references("core"),
  "packages/lock/src/index.ts": 'export { b } from "@castellan/core";\n',
  "packages/defaults/package.json": manifest("@castellan/defaults", {
    dependencies: { "@castellan/core": "0.1.0", nodemailer: "^10.0.0" },
  }),
  "packages/defaults/tsconfig.json": references("core"),
  "packages/defaults/src/index.ts":
    'import type { T } from "@castellan/core";\nexport const mail = async (): Promise<T> => await import("nodemailer");\n',
  "packages/castellan/package.json": manifest("castellan", dependsOn("@castellan/core", "@castellan/defaults")),
  "packages/castellan/tsconfig.json": references("core", "defaults"),
  "packages/castellan/src/index.ts": 'export * from "@castellan/core";\nexport * from "@castellan/defaults";\n',
  ...Object.fromEntries(
    ["core", "auth", "lock", "defaults", "castellan"].flatMap((folder) => [
      [`packages/${folder}/LICENSE`, "free"],
      [`packages/${folder}/README.md`, `# ${folder}\n`],
      [`packages/${folder}/test/${folder}.test.ts`, ""],
    ]),
  ),
};

/** Writes the good workspace with some files changed, and answers where it is. Removed when the test is over. */
export function workspace(changes: Files = {}): string {
  const root = mkdtempSync(join(tmpdir(), "castellan-checks-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries({ ...GOOD, ...changes })) {
    if (content === null) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === "string" ? content : JSON.stringify(content));
  }
  return root;
}
