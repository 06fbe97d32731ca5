/** The check of the documents finds what it is there to find. @module */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  limitsPage,
  problemsOfCommands,
  problemsOfGenerated,
  problemsOfLinks,
  problemsOfMissingModules,
  problemsOfOptions,
  problemsOfQuotedTests,
  problemsOfReasons,
  problemsOfShownFiles,
  problemsOfUndeclared,
  readDocuments,
  reasonsPage,
} from "../../scripts/docs.mjs";
import { workspace } from "./workspace.ts";

describe("links", () => {
  const linksOf = (text: string): string[] => {
    const root = workspace({ "README.md": text, "docs/guide.md": "# A guide\n\n## What `x-y` is, exactly?\n\n## Twice\n\n## Twice\n" });
    return problemsOfLinks(root, readDocuments(root));
  };

  it("may lead to a file, a folder, a heading here or there, or out into the world", () => {
    const good =
      "# Top\n[a](docs/guide.md) [b](docs/) [c](#top) [d](docs/guide.md#what-x-y-is-exactly) [e](https://example.com/x) [f](docs/guide.md#twice-1)";
    expect(linksOf(good)).toEqual([]);
  });

  it("must not lead to a file that is not there", () => {
    expect(linksOf("[a](docs/gide.md)")).toEqual(["README.md: the link to docs/gide.md leads nowhere"]);
  });

  it("must not lead to a heading that is not there", () => {
    expect(linksOf("[a](docs/guide.md#thrice)")).toEqual(["README.md: docs/guide.md has no heading #thrice"]);
    expect(linksOf("[a](#bottom)")).toEqual(["README.md: README.md has no heading #bottom"]);
  });

  it("must not lead out of the project", () => {
    expect(linksOf("[a](../elsewhere.md)")).toHaveLength(1);
  });

  it("are no links inside code", () => {
    expect(linksOf("`[a](nowhere.md)`\n\n```md\n[b](nowhere.md)\n```\n")).toEqual([]);
  });
});

describe("commands", () => {
  it("exist, in the project or in the package beside the document", () => {
    const root = workspace({
      "package.json": { scripts: { check: "true" } },
      "examples/small/package.json": { scripts: { watch: "true" } },
      "examples/small/README.md": "`npm run watch`, `npm run check`",
      "README.md": "`npm run check`, then `npm run watch`",
    });
    expect(problemsOfCommands(root, readDocuments(root))).toEqual(["README.md: there is no script for `npm run watch`"]);
  });
});

describe("code that shows a file", () => {
  const shown = (block: string): string[] => {
    const root = workspace({ "examples/a.mjs": "let a = 1;\n", "README.md": `Text\n\n\`\`\`js\n${block}\n\`\`\`\n` });
    return problemsOfShownFiles(root, readDocuments(root));
  };

  it("is the whole file", () => {
    expect(shown("// examples/a.mjs\nlet a = 1;")).toEqual([]);
  });

  it("is not another one", () => {
    expect(shown("// examples/a.mjs\nlet a = 2;")).toEqual([
      "README.md:3 shows examples/a.mjs, but not as it is: run `npm run docs -- --write`",
    ]);
  });

  it("is copied when asked", () => {
    const root = workspace({ "examples/a.mjs": "let a = 1;\n", "README.md": "```js\n// examples/a.mjs\nlet a = 2;\n```\n" });
    expect(problemsOfShownFiles(root, readDocuments(root), true)).toEqual([]);
    expect(readFileSync(join(root, "README.md"), "utf8")).toBe("```js\n// examples/a.mjs\nlet a = 1;\n```\n");
  });

  it("is of a file that exists", () => {
    expect(shown("// examples/b.mjs\nlet a = 1;")).toEqual(["README.md:3 shows examples/b.mjs, which does not exist"]);
  });
});

describe("promises that name a test", () => {
  it("name one that exists", () => {
    const shown = (words: string): string[] => {
      const root = workspace({ "test/a.test.ts": 'it("is final, always", () => {});\n', "README.md": `[a](test/a.test.ts): "${words}"` });
      return problemsOfQuotedTests(root, readDocuments(root));
    };
    expect(shown("is final")).toEqual([]);
    expect(shown("is futile")).toEqual(['README.md: no test in test/a.test.ts is called "is futile"']);
  });
});

describe("option tables", () => {
  const SOURCE = `export interface LockOptions {
  /** How many tries. @default 5 */
  readonly after?: number;
  /**
   * How long.
   * @default minutes(15)
   */
  readonly lasts?: Duration;
  readonly name: string;
}
`;
  const ROWS = ["| `after` | 5 | tries |", "| `lasts` | `minutes(15)` | time |", "| `name` | required | what it is called |"];
  const table = (rows: readonly string[]): string[] =>
    problemsOfOptions(
      workspace({
        "packages/lock/src/index.ts": SOURCE,
        "packages/lock/README.md": `| option | default | |\n| --- | --- | --- |\n${rows.join("\n")}\n`,
      }),
    );

  it("hold each option with its default", () => {
    expect(table(ROWS)).toEqual([]);
  });

  it("do not leave one out", () => {
    expect(table(ROWS.slice(0, 2))).toEqual([
      "packages/lock/src/index.ts:9 LockOptions.name stands in no table of packages/lock/README.md: add a row that begins with `name`",
    ]);
  });

  it("do not give another default", () => {
    expect(table(["| `after` | 6 | tries |", ...ROWS.slice(1)])).toEqual([
      'packages/lock/src/index.ts:3 LockOptions.after has the default "5", but packages/lock/README.md says "6"',
    ]);
  });
});

describe("the tables that are made from the code", () => {
  const limits = [{ name: "attempt/subject", by: "subject", max: 10, perSeconds: 900 }];
  const reasons = { core: ["busy"], auth: ["signed_in"] };
  const texts = { "reason.busy": "Wait | please.", "reason.signed_in": "You are signed in." };

  it("give each limit in words, and each reason with its text", () => {
    expect(limitsPage(limits)).toContain("| `attempt/subject` | subject | 10      | 15 minutes |");
    expect(reasonsPage({ reasons, texts })).toContain(
      "| `busy`      | core | Wait \\| please.    |\n| `signed_in` | auth | You are signed in. |",
    );
  });

  it("are compared, and written only when asked", () => {
    const root = workspace({ "docs/limits.md": "old\n" });
    expect(problemsOfGenerated(root, "docs/limits.md", "new\n", false)).toHaveLength(1);
    expect(readFileSync(join(root, "docs/limits.md"), "utf8")).toBe("old\n");
    expect(problemsOfGenerated(root, "docs/limits.md", "new\n", true)).toEqual([]);
    expect(readFileSync(join(root, "docs/limits.md"), "utf8")).toBe("new\n");
  });

  it("have no reason without a text", () => {
    expect(problemsOfReasons({ reasons, texts: { "reason.busy": "Wait." } })).toEqual([
      'the reason "signed_in" of auth has no text: add "reason.signed_in" to its texts',
    ]);
  });

  it("lack no reason that the code answers with", () => {
    const root = workspace({
      "packages/auth/src/index.ts":
        'refuse(401, "busy"); refuse(403, "odd"); refuse(204, "options"); page(view, {}, { reason: "strange" });\n',
    });
    expect(problemsOfUndeclared(root, reasons)).toEqual([
      'packages/auth/src/index.ts answers with "odd", which no module declares: add it to `reasons`',
      'packages/auth/src/index.ts answers with "strange", which no module declares: add it to `reasons`',
    ]);
  });

  it("lack no module", () => {
    expect(problemsOfMissingModules(workspace(), new Set(["core", "auth", "defaults", "castellan"]))).toEqual([
      "scripts/full-gate.mjs lacks the module of packages/lock: add it, so that its limits and reasons are documented",
    ]);
  });
});
