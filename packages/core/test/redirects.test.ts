import { safeTarget } from "@castellan/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const ORIGIN = "https://app.example.com";

/** Where a browser goes that gets this Location from a page deep within our site. */
const destination = (location: string): URL => new URL(location, `${ORIGIN}/auth/login?x#y`);

describe("a redirect target", () => {
  it.each([
    ["/", "/"],
    ["/account", "/account"],
    ["/account?tab=1&x=%20", "/account?tab=1&x=%20"],
    ["/a/b/../c", "/a/c"],
    ["/a/./b", "/a/b"],
    ["/ü?ö", "/%C3%BC?%C3%B6"],
    ["/a:b@c", "/a:b@c"],
    ["/search?q=//evil.example", "/search?q=//evil.example"],
    ["/account#part", "/account"],
    ["/a//b", "/a//b"],
  ])("may be a path of our own: %s", (text, target) => {
    expect(safeTarget(text)).toBe(target);
  });

  it.each([
    "//evil.example",
    "///evil.example",
    "/////evil.example",
    "/\\evil.example",
    "\\\\\\evil.example",
    "\\/evil.example",
    "\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    "\n/evil.example",
    " //evil.example",
    "\u0000/evil.example",
    "/\u0000/evil.example",
    "/ /evil.example",
    "/\u007f/evil.example",
    "%2f%2fevil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/../..//evil.example",
    "/a/..//evil.example",
    "/%2e%2e//evil.example",
    "/%2e//evil.example",
    "/a/%2E%2e//evil.example",
    "/.%2e//evil.example",
    "/a\\..\\..\\/evil.example",
  ])("leads to no other host by slashes, backslashes and blanks (R96): %j", (text) => {
    expect(safeTarget(text)).toBeNull();
  });

  it.each([
    "/%09/evil.example",
    "/%0a/evil.example",
    "/%5cevil.example",
    "/%2f%2fevil.example",
    "/;@evil.example",
    "/@evil.example",
    "/.evil.example",
  ])("stays on our host where it looks as if it did not (R96): %s", (text) => {
    const target = safeTarget(text);
    expect(target).not.toBeNull();
    expect(destination(target ?? "").origin).toBe(ORIGIN);
  });

  it.each([
    "https://evil.example",
    "http://evil.example/",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "HTTPS://evil.example",
    `${ORIGIN}/account`,
    `${ORIGIN}.evil.example`,
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://evil.example/x",
    "about:blank",
    "mailto:x@evil.example",
    "evil.example",
    "account",
    "./account",
    "../account",
    "?x=1",
    "#x",
    "@evil.example",
    ".evil.example",
    ":80",
  ])("is no whole address, no scheme and nothing relative (R97): %s", (text) => {
    expect(safeTarget(text)).toBeNull();
  });

  it.each([
    "user:pass@evil.example",
    "//user:pass@app.example.com",
    "https://app.example.com@evil.example/",
    "https://app.example.com:x@evil.example/",
    "//3232235521/",
    "//0x7f.1/",
    "//[::1]/",
    "//%65vil.example",
    "//evil%E3%80%82example",
    "//ｅvil.example",
    "／／evil.example",
    "/／evil.example\\",
    "http:\\\\evil.example",
    "/\u2028\\evil",
  ])("is no host in disguise (R99): %s", (text) => {
    expect(safeTarget(text)).toBeNull();
  });

  it.each([
    [undefined],
    [null],
    [""],
    [42],
    [true],
    [{}],
    [["/account"]],
    [new String("/account")],
    [{ toString: () => "/account" }],
    [new URL(ORIGIN)],
  ])("is a text: %s", (value) => {
    expect(safeTarget(value)).toBeNull();
  });

  it("has at most 2,000 signs", () => {
    expect(safeTarget(`/${"a".repeat(1999)}`)).toHaveLength(2000);
    expect(safeTarget(`/${"a".repeat(2000)}`)).toBeNull();
    expect(safeTarget(`/${"a".repeat(5_000_000)}`)).toBeNull();
  });

  it("stays what it is when it is checked again", () => {
    for (const text of ["/a/b/../c?d#e", "/ü", "/%2e/x", "/a\u0085b"]) {
      const once = safeTarget(text);
      expect(safeTarget(once)).toBe(once);
    }
  });
});

describe("whatever is accepted", () => {
  const piece = fc.constantFrom(
    "/",
    "\\",
    "..",
    ".",
    "%2e",
    "%2f",
    "%5c",
    "%09",
    "\t",
    "\n",
    "@",
    ":",
    "?",
    "#",
    ";",
    "evil.example",
    "a",
    "／",
    "。",
    "https:",
  );
  const nearly = fc
    .array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 2 })), { maxLength: 10 })
    .map((parts) => `/${parts.join("")}`);
  const texts = fc.oneof(nearly, fc.webUrl({ withQueryParameters: true }), fc.webPath(), fc.string({ unit: "binary" }));

  it("is of our origin to a browser, printable ASCII, and accepted again as it is", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const target = safeTarget(text);
        if (target === null) return;
        expect(destination(target).origin).toBe(ORIGIN);
        expect(destination(target).pathname + destination(target).search).toBe(target);
        expect(target).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
        expect(safeTarget(target)).toBe(target);
      }),
      { numRuns: 10_000 },
    );
  });

  it("is of our origin too when a proxy's prefix is put in front, and when a page puts it into a link", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const target = safeTarget(text);
        if (target === null) return;
        expect(destination(`/prefix${target}`).origin).toBe(ORIGIN);
        expect(destination(new URLSearchParams({ redir: target }).get("redir") ?? "//").origin).toBe(ORIGIN);
      }),
      { numRuns: 5_000 },
    );
  });
});
