import { systemRandom, tokenMaker } from "@castellan/core";
import { seededRandom } from "@castellan/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const tokens = tokenMaker(systemRandom);

describe("a token", () => {
  it("leads back to the row that was stored for it", () => {
    const { token, ...row } = tokens.make("confirm");
    expect(tokens.parse("confirm", token)).toEqual(row);
  });

  it("fits into a link as it is, and holds 128 bits to find and 256 to prove", () => {
    const { token, selector, verifierHash } = tokens.make("confirm");
    expect(token).toMatch(/^[\w-]{64}$/);
    expect(selector).toMatch(/^[\w-]{22}$/);
    expect(verifierHash).toMatch(/^[\w-]{43}$/);
  });

  it("is found but not proven for another purpose", () => {
    const { token, selector, verifierHash } = tokens.make("confirm");
    const other = tokens.parse("recover", token);
    expect(other?.selector).toBe(selector);
    expect(other?.verifierHash).not.toBe(verifierHash);
  });

  it("cannot be made from what is stored", () => {
    const { token, selector, verifierHash } = tokens.make("confirm");
    expect(token).not.toContain(verifierHash);
    expect(tokens.parse("confirm", `${selector}${verifierHash}`.slice(0, 64))?.verifierHash).not.toBe(verifierHash);
  });

  it("is another each time", () => {
    expect(new Set(Array.from({ length: 100 }, () => tokens.make("confirm").token)).size).toBe(100);
  });

  it("follows from the source of chance alone", () => {
    expect(tokenMaker(seededRandom("a")).make("confirm")).toEqual(tokenMaker(seededRandom("a")).make("confirm"));
  });

  it("keeps its row when the source of chance uses its bytes again", () => {
    const shared = new Uint8Array(48).fill(1);
    const { token, ...row } = tokenMaker({ bytes: () => shared }).make("confirm");
    shared.fill(2);
    expect(tokens.parse("confirm", token)).toEqual(row);
  });

  it("finds another row, or proves nothing, once any sign of it differs", () => {
    const { token, ...row } = tokens.make("confirm");
    for (const at of Array(token.length).keys()) {
      for (const sign of "AQw9-_") {
        const changed = token.slice(0, at) + sign + token.slice(at + 1);
        if (changed !== token) expect(tokens.parse("confirm", changed)).not.toEqual(row);
      }
    }
  });
});

describe("what is no token", () => {
  const { token } = tokens.make("confirm");

  it.each([
    ["nothing", ""],
    ["one sign too few", token.slice(1)],
    ["one sign too many", `${token}A`],
    ["padding", `${token}=`],
    ["the other alphabet", `${token.slice(2)}+/`],
    ["a line break behind it", `${token}\n`],
    ["a blank in front", ` ${token.slice(1)}`],
    ["a blank within", `${token.slice(0, 30)} ${token.slice(31)}`],
    ["letters that only look right", `${token.slice(1)}А`],
    ["two of them", token + token],
    ["a megabyte", "A".repeat(1_000_000)],
  ])("is not parsed: %s", (_what, text) => {
    expect(tokens.parse("confirm", text)).toBeNull();
  });

  it("never throws, whatever it is", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => tokens.parse("confirm", text) === null));
  });
});
