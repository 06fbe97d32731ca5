/** The check of the arrows finds what it is there to find. @module */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { problemsOfArrows } from "../../scripts/arrows.mjs";
import { type Files, workspace } from "./workspace.ts";

const CORE = { "@castellan/core": "0.1.0" };
const LEGAL = { version: "0.1.0", description: "A package", keywords: ["castellan"], license: "MIT" };

const faults: readonly (readonly [title: string, changes: Files, problem: RegExp])[] = [
  [
    "a feature that imports another feature",
    {
      "packages/auth/package.json": { ...LEGAL, dependencies: { ...CORE, "@castellan/lock": "0.1.0" } },
      "packages/auth/tsconfig.json": { references: [{ path: "../core" }, { path: "../lock" }] },
      "packages/auth/src/index.ts": 'import { a } from "@castellan/core";\nimport type { Lock } from "@castellan/lock";\n',
    },
    /^packages\/auth\/src\/index\.ts:2 imports @castellan\/lock: a feature imports core and nothing else of ours/,
  ],
  [
    "a feature that imports the package that people install",
    {
      "packages/auth/package.json": { ...LEGAL, dependencies: { castellan: "0.1.0" } },
      "packages/auth/tsconfig.json": { references: [{ path: "../castellan" }] },
      "packages/auth/src/index.ts": 'import { castellan } from "castellan";\n',
    },
    /imports castellan: a feature imports core/,
  ],
  [
    "core that imports a package of ours, as late as it may",
    {
      "packages/core/package.json": { ...LEGAL, dependencies: { "@castellan/defaults": "0.1.0" } },
      "packages/core/tsconfig.json": { references: [{ path: "../defaults" }] },
      "packages/core/src/index.ts": 'export const pages = () => import("@castellan/defaults");\n',
    },
    /core\/src\/index\.ts:1 imports @castellan\/defaults: core imports no package of ours/,
  ],
  [
    "core that loads express outside its HTTP layer",
    { "packages/core/src/index.ts": 'import express from "express";\n' },
    /index\.ts:1 loads express: only core\/src\/http touches Express/,
  ],
  [
    "core that imports types of express in a way that still loads it",
    { "packages/core/src/index.ts": 'import { type Request } from "express";\n' },
    /loads express/,
  ],
  [
    "a file that reaches into another package",
    { "packages/auth/src/index.ts": 'import { a } from "@castellan/core";\nexport * from "../../lock/src/index.ts";\n' },
    /auth\/src\/index\.ts:2 imports .* from outside its package's src/,
  ],
  [
    "an import that package.json does not list",
    { "packages/auth/src/index.ts": 'import { a } from "@castellan/core";\nimport { hash } from "bcrypt";\n' },
    /index\.ts:2 imports bcrypt, which packages\/auth\/package\.json does not list/,
  ],
  [
    "a dependency that nobody imports",
    { "packages/auth/package.json": { ...LEGAL, dependencies: { ...CORE, "left-pad": "^1.0.0" } } },
    /lists left-pad, but src does not import it/,
  ],
  [
    "a package of ours that is imported but not listed",
    { "packages/lock/package.json": LEGAL },
    /lock\/package\.json lists nothing of ours under dependencies, but src imports core/,
  ],
  [
    "a reference that the compiler lacks",
    { "packages/lock/tsconfig.json": { references: [] } },
    /lock\/tsconfig\.json references nothing, but package\.json depends on core/,
  ],
  [
    "a package of ours in another version",
    { "packages/lock/package.json": { ...LEGAL, dependencies: { "@castellan/core": "^0.2.0" } } },
    /wants @castellan\/core \^0\.2\.0, but here is 0\.1\.0/,
  ],
  [
    "a package that the build leaves out",
    { "tsconfig.json": { references: ["core", "auth", "defaults", "castellan"].map((folder) => ({ path: `packages/${folder}` })) } },
    /tsconfig\.json does not build packages\/lock/,
  ],
  ...["new Date()", "new Date( )", "new Date", "Date.now()", "Date.now", "Math.random()"].map(
    (expression): readonly [string, Files, RegExp] => [
      `a feature that asks the machine: ${expression}`,
      { "packages/auth/src/index.ts": `import { a } from "@castellan/core";\nexport const b = [${expression}, a];\n` },
      /auth\/src\/index\.ts:2 asks the machine/,
    ],
  ),
  [
    "a heavy package that is loaded with the file",
    { "packages/defaults/src/index.ts": 'import type { T } from "@castellan/core";\nimport { createTransport } from "nodemailer";\n' },
    /defaults\/src\/index\.ts:2 loads nodemailer with the file/,
  ],
  [
    "a file of more than 400 lines",
    { "packages/lock/src/index.ts": `export { b } from "@castellan/core";\n${"// a reason\n".repeat(400)}` },
    /lock\/src\/index\.ts has 401 lines/,
  ],
  ["a package without a README", { "packages/lock/README.md": null }, /packages\/lock has no README\.md/],
  ["a package without tests", { "packages/lock/test/lock.test.ts": null }, /packages\/lock has no tests/],
  ["a package with another licence", { "packages/lock/LICENSE": "not free" }, /packages\/lock\/LICENSE is not the one of the project/],
  [
    "a package that says nothing about itself",
    { "packages/lock/package.json": { version: "0.1.0", dependencies: CORE } },
    /packages\/lock\/package\.json needs a description, keywords/,
  ],
];

describe("the check of the arrows", () => {
  it("finds nothing wrong with a workspace that keeps the rules", () => {
    expect(problemsOfArrows(workspace())).toEqual([]);
  });

  it.each(faults)("refuses %s", (_title, changes, problem) => {
    const problems = problemsOfArrows(workspace(changes));
    expect(problems.filter((text) => problem.test(text))).toHaveLength(1);
  });

  it("lets a factor lean on twofactor", () => {
    const names = ["@castellan/core", "@castellan/twofactor"];
    const root = workspace({
      "tsconfig.json": {
        references: ["core", "auth", "lock", "defaults", "castellan", "twofactor", "totp"].map((folder) => ({
          path: `packages/${folder}`,
        })),
      },
      "packages/twofactor/package.json": { ...LEGAL, dependencies: CORE },
      "packages/twofactor/tsconfig.json": { references: [{ path: "../core" }] },
      "packages/twofactor/src/index.ts": 'export * from "@castellan/core";\n',
      "packages/totp/package.json": { ...LEGAL, dependencies: Object.fromEntries(names.map((name) => [name, "0.1.0"])) },
      "packages/totp/tsconfig.json": { references: [{ path: "../core" }, { path: "../twofactor" }] },
      "packages/totp/src/index.ts": names.map((name) => `export * from "${name}";\n`).join(""),
      ...Object.fromEntries(
        ["twofactor", "totp"].flatMap((folder) => [
          [`packages/${folder}/LICENSE`, "free"],
          [`packages/${folder}/README.md`, ""],
          [`packages/${folder}/test/${folder}.test.ts`, ""],
        ]),
      ),
    });
    expect(problemsOfArrows(root)).toEqual([]);
  });

  it("is not misled by what stands in comments, texts and regular expressions", () => {
    const root = workspace({
      "packages/auth/src/index.ts": [
        'import { a } from "@castellan/core";',
        '// import { b } from "@castellan/lock"; new Date()',
        '/** `import "@castellan/lock"` and Date.now() */',
        'export const text = "Math.random()", template = `new Date() $' + '{a("}")} Date.now()`;',
        "export const quote = /[\"'`]/g, slash = /\\/\\/ [/]/, half = 4 / 2;",
        "export const all = \"import x from '@castellan/lock'\";",
        "",
      ].join("\n"),
    });
    expect(problemsOfArrows(root)).toEqual([]);
  });

  it("finds nothing to mend in this project", () => {
    expect(problemsOfArrows(fileURLToPath(new URL("../..", import.meta.url)))).toEqual([]);
  });
});
