/** The algorithm against the vectors of RFC 6238, appendix B, and against another implementation. @module */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { seededRandom } from "@castellan/testkit";
import { expect, it } from "vitest";
import { linkFor, newSecret, readDigits, stepOf } from "../src/codes.ts";

const at = (seconds: number) => ({ clock: { now: () => new Date(seconds * 1000) }, acceptNext: false });

/** "12345678901234567890" in base32. */
const RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/** RFC 6238, appendix B, for SHA-1: its eight digits, of which apps show the last six. */
const VECTORS = [
  [59, "94287082"],
  [1_111_111_109, "07081804"],
  [1_111_111_111, "14050471"],
  [1_234_567_890, "89005924"],
  [2_000_000_000, "69279037"],
  [20_000_000_000, "65353130"],
] as const;

it.each(VECTORS)("takes the code of RFC 6238 at second %d", async (seconds, eight) => {
  expect(await stepOf(RFC_SECRET, eight.slice(-6), at(seconds))).toBe(Math.floor(seconds / 30));
});

it("agrees with oathtool on secrets of its own, over sixty half-minutes", async () => {
  const random = seededRandom("secrets");
  for (let round = 0; round < 3; round += 1) {
    const secret = await newSecret(random);
    assert.match(secret, /^[A-Z2-7]{32}$/);
    const start = 2_000_000_010 + round * 31_536_000;
    const now = new Date(start * 1000).toISOString().slice(0, 19).replace("T", " ");
    const { stdout } = await promisify(execFile)("oathtool", ["--totp", "--base32", `--now=${now} UTC`, "--window=19", secret]);
    const codes = stdout.trim().split("\n");
    assert.equal(codes.length, 20);
    for (const [index, code] of codes.entries()) {
      const step = Math.floor(start / 30) + index;
      assert.equal(await stepOf(secret, code, at(step * 30)), step);
      assert.equal(await stepOf(secret, code, at(step * 30 + 29)), step);
    }
  }
});

it("takes the current step and the one before, and the next one only where it is wanted", async () => {
  const offsets = async (acceptNext: boolean) => {
    const taken: number[] = [];
    for (const offset of [-61, -60, -31, -30, -1, 0, 29, 30, 59, 60, 61]) {
      const seconds = 2_000_000_010;
      const { stdout } = await promisify(execFile)("oathtool", [
        "--totp",
        "--base32",
        `--now=${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`,
        RFC_SECRET,
      ]);
      const { clock } = at(seconds + offset);
      if ((await stepOf(RFC_SECRET, stdout.trim(), { clock, acceptNext })) !== null) taken.push(offset);
    }
    return taken;
  };
  expect(await offsets(false)).toEqual([0, 29, 30, 59]);
  expect(await offsets(true)).toEqual([-30, -1, 0, 29, 30, 59]);
});

it.each(["", "94287", "9428708", "94287a", "0x4287", "9428.2", "-94287", "９４２８７０８２"])("takes %j for no code", async (typed) => {
  expect(await stepOf(RFC_SECRET, typed, at(59))).toBeNull();
});

it("reads a code with spaces, with full-width digits and with marks that a copy brings along", () => {
  for (const typed of ["287 082", " 287082 ", "287-082", "\u200e287082", "２８７０８２", "287\u00a0082"])
    expect(readDigits(typed)).toBe("287082");
});

it("writes links that part issuer and account by one colon, whatever is in them", async () => {
  const link = await linkFor(RFC_SECRET, "A:B & Co?=#/%", "ann:x@example.com 渡辺 <b>");
  const url = new URL(link);
  expect([url.protocol, url.host]).toEqual(["otpauth:", "totp"]);
  expect(url.pathname.slice(1).split(":").map(decodeURIComponent)).toEqual(["A B & Co?=#/%", "ann x@example.com 渡辺 <b>"]);
  expect(Object.fromEntries(url.searchParams)).toEqual({ secret: RFC_SECRET, issuer: "A B & Co?=#/%" });
});
