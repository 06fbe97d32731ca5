/** The table of conformance says what the tests show. @module */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TABLE = "docs/conformance.md";

/** How many behaviours each group has, from group 01 on. */
const GROUPS = [11, 8, 13, 4, 22, 15, 20, 7, 8, 3, 7, 12, 15, 10, 9, 5, 18, 14, 20, 15, 13];
const twoDigits = (number: number): string => String(number).padStart(2, "0");
const numbers = GROUPS.flatMap((count, group) =>
  Array.from({ length: count }, (_, index) => `T${twoDigits(group + 1)}.${twoDigits(index + 1)}`),
);

interface Row {
  readonly number: string;
  readonly behaviour: string;
  /** The file of the test and its title without numbers; `null` where ours differs and no test is claimed. */
  readonly claim: { readonly file: string; readonly title: string } | null;
  readonly difference: string;
}

const rows = readFileSync(join(ROOT, TABLE), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| T"))
  .map((line): Row => {
    const [number = "", behaviour = "", shown = "", difference = ""] = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [, link, title] = /^\[.*\]\((.+)\): "(.+)"$/.exec(shown) ?? [];
    // A cell that nobody can read must not pass for one that claims nothing.
    assert.ok(shown === "—" || (link !== undefined && title !== undefined), `${number}: ${shown}`);
    return { number, behaviour, claim: link && title ? { file: join(dirname(TABLE), link), title } : null, difference };
  });

const folders = ["test", ...readdirSync(join(ROOT, "packages")).map((name) => `packages/${name}/test`)];
const files = folders
  .filter((folder) => existsSync(join(ROOT, folder)))
  .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)))
  .filter((path) => path.endsWith(".test.ts"));

/** Every test title that begins with numbers: which file it is in, which numbers, and its words. */
const titles = files.flatMap((file) =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(/(?:\bit|\))\(\s*"((?:T\d\d\.\d\d )*T\d\d\.\d\d): ([^"\n]+)"/g)].map(
    ({ 1: given = "", 2: title = "" }) => ({ file, numbers: given.split(" "), title }),
  ),
);

describe("the table of conformance", () => {
  it("has every behaviour of its groups once, in order", () => {
    const all = rows.map(({ number }) => number);
    assert.deepEqual(
      all.filter((number) => Number(number.slice(1, 3)) <= GROUPS.length),
      numbers,
    );
  });

  it("says of each what it is, and either which test shows it or how ours differs", () => {
    for (const { number, behaviour, claim, difference } of rows) {
      assert.ok(behaviour.length > 5, number);
      assert.ok(claim !== null || difference.length > 5, number);
    }
  });

  it("names tests that are there, in that file, under that number", () => {
    const lies = rows.filter(
      ({ number, claim }) =>
        claim && !titles.some((test) => test.file === claim.file && test.title === claim.title && test.numbers.includes(number)),
    );
    assert.deepEqual(lies, []);
  });

  it("leaves out no test that claims a number", () => {
    const claimed = new Set(rows.filter(({ claim }) => claim).map(({ number }) => number));
    const strangers = titles.flatMap((test) => test.numbers).filter((number) => numbers.includes(number) && !claimed.has(number));
    assert.deepEqual(strangers, []);
  });
});
