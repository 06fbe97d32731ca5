import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { cookieLine, readCookie, setCookie } from "@castellan/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const NAME = "__Host-castellan-sid";

describe("a cookie of a request", () => {
  it.each([
    [`${NAME}=abc`, "abc"],
    [`a=1; ${NAME}=abc; b=2`, "abc"],
    [`a=1;${NAME}=abc;b=2`, "abc"],
    [`  ${NAME} =  abc  ; b=2`, "abc"],
    [`\t${NAME}\t=\tabc`, "abc"],
    [`${NAME}=a=b==`, "a=b=="],
    [`${NAME}=`, ""],
    [`${NAME}="abc"`, "abc"],
    [`${NAME}=""`, ""],
    [`${NAME}="`, '"'],
    [`${NAME}="abc`, '"abc'],
    [`${NAME}=%41%zz`, "%41%zz"],
    [`;;; ;${NAME}=abc;;`, "abc"],
    [`${NAME}; ${NAME}=abc`, "abc"],
  ])("is found and taken as it came: %s", (header, value) => {
    expect(readCookie(header, NAME)).toBe(value);
  });

  it.each([
    [undefined],
    [""],
    [NAME],
    ["a=1; b=2"],
    [`x${NAME}=evil`],
    [`${NAME}x=evil`],
    [`x-${NAME}=evil`],
    [`a=${NAME}`],
    [`a=${NAME}=evil`],
    [`a="; ${NAME}x=evil"`],
    [`${NAME.toLowerCase()}=evil`],
    ["castellan-sid=evil"],
    ["__Host-castellan=evil"],
    [`"${NAME}"=evil`],
    [`${NAME}[]=evil`],
    [`${NAME}%=evil`],
  ])("is not mistaken for another one with part of its name: %s", (header) => {
    expect(readCookie(header, NAME)).toBeNull();
  });

  it.each([
    [`${NAME}=good; ${NAME}=evil`],
    [`${NAME}=good; a=1; ${NAME}=evil`],
    [`${NAME}=same; ${NAME}=same`],
    [`${NAME}=good; ${NAME}=`],
    [`${NAME}=; ${NAME}=good`],
    [`${NAME}=a; ${NAME}=b; ${NAME}=c`],
    [`${NAME}=good;\t${NAME}\t=evil`],
  ])("counts as absent when it came more than once, for nobody knows who put the other one there: %s", (header) => {
    expect(readCookie(header, NAME)).toBeNull();
  });

  it.each(["\u00a0", "\u0085", "\v", "\f", "\ufeff", "\u2003", "\u200b", "\u00ad", "\r", "\n", "\0"])(
    "is of no other name that only looks like ours with %j in front or behind: a browser lets anybody set that one",
    (sign) => {
      expect(readCookie(`${sign}${NAME}=evil`, NAME)).toBeNull();
      expect(readCookie(`${NAME}${sign}=evil`, NAME)).toBeNull();
      expect(readCookie(`${NAME}=good; ${sign}${NAME}=evil`, NAME)).toBe("good");
    },
  );

  it("is found soon in a header of blanks", () => {
    expect(readCookie(`${" ".repeat(500_000)}x${NAME}=1`, NAME)).toBeNull();
    expect(readCookie(`${NAME}=${" ".repeat(500_000)}x`, NAME)).toBe("x");
  });

  it("is found for every name beside every other cookie", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
    const value = fc.stringMatching(/^[A-Za-z0-9._-]{0,20}$/);
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: true }), name, (cookies, wanted) => {
        const header = Object.entries(cookies)
          .map(([key, text]) => `${key}=${text}`)
          .join("; ");
        expect(readCookie(header, wanted)).toBe(Object.hasOwn(cookies, wanted) ? cookies[wanted] : null);
      }),
    );
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (header, name) => {
        readCookie(header, name);
      }),
    );
  });
});

describe("a line that sets a cookie", () => {
  it("keeps scripts, other sites and other hosts away", () => {
    expect(cookieLine(NAME, "abc", { secure: true })).toBe(`${NAME}=abc; Path=/; HttpOnly; SameSite=Lax; Secure`);
    expect(cookieLine("sid", "abc", { secure: false })).toBe("sid=abc; Path=/; HttpOnly; SameSite=Lax");
    expect(cookieLine("sid", "abc", { secure: true, sameSite: "Strict" })).toContain("SameSite=Strict");
  });

  it("says how long in whole seconds, and removes with nothing left to keep", () => {
    expect(cookieLine("sid", "abc", { secure: true, maxAge: 90.9 })).toContain("; Max-Age=90");
    expect(cookieLine("sid", "abc", { secure: true, maxAge: 90 })).not.toContain("Expires");
    expect(cookieLine("sid", "", { secure: true, maxAge: 0 })).toMatch(/^sid=; .*; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT$/);
  });
});

describe("setting a cookie", () => {
  const response = () => new ServerResponse(new IncomingMessage(new Socket()));

  it("puts it beside those that are there, of whatever form", () => {
    const res = response();
    setCookie(res, "a", "a=1; Path=/");
    expect(res.getHeader("set-cookie")).toEqual(["a=1; Path=/"]);
    setCookie(res, "b", "b=2");
    expect(res.getHeader("set-cookie")).toEqual(["a=1; Path=/", "b=2"]);
    const other = response();
    other.setHeader("Set-Cookie", "theirs=1");
    setCookie(other, "a", "a=1");
    expect(other.getHeader("set-cookie")).toEqual(["theirs=1", "a=1"]);
  });

  it("replaces one of the same name, and none of a similar one", () => {
    const res = response();
    res.setHeader("set-cookie", ["a=1", "ab=1", "a-b=1", "A=1", "x=a=1", "a=2; Path=/other"]);
    setCookie(res, "a", "a=3");
    expect(res.getHeader("set-cookie")).toEqual(["ab=1", "a-b=1", "A=1", "x=a=1", "a=3"]);
  });

  it("leaves the list of others as it was", () => {
    const res = response();
    const theirs = ["a=1"];
    res.setHeader("set-cookie", theirs);
    setCookie(res, "a", "a=2");
    expect(theirs).toEqual(["a=1"]);
  });
});
