import { readFile } from "node:fs/promises";
import { type IncomingMessage, ServerResponse } from "node:http";
import { manualClock } from "@castellan/testkit";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { ConfigError, hours, minutes, readHttpauthCookie, sealedCookie } from "castellan";
import { describe, expect, it } from "vitest";

const KEY = "a-key-of-these-tests-9876543210-zyxwvutsrq";
const OLDER = "an-older-key-of-these-tests-0123456789-abc";
const NAME = "__Host-who";

const request = (cookie?: string): IncomingMessage => ({ headers: cookie === undefined ? {} : { cookie } }) as IncomingMessage;
const response = (): ServerResponse => new ServerResponse(request());
const lineOf = (res: ServerResponse): string => [res.getHeader("set-cookie") ?? []].flat().join();
const cookieOf = (res: ServerResponse): string => lineOf(res).split(";")[0] ?? "";

describe("a sealed cookie by itself", () => {
  const make = (clock = manualClock(), keys: readonly string[] = [KEY]) => sealedCookie({ name: NAME, keys, clock });

  it("says who it names, at which epoch, since when, and nobody can read it", () => {
    const clock = manualClock();
    const cookie = make(clock);
    const res = response();
    cookie.put(res, { subject: "ann|admin", epoch: 7 });
    expect(lineOf(res)).toMatch(/^__Host-who=[\w-]+\.[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    expect(Buffer.from(cookieOf(res).split(".")[1] ?? "", "base64url").toString("latin1")).not.toContain("ann");
    expect(cookie.read(request(cookieOf(res)))).toEqual({ subject: "ann|admin", epoch: 7, issuedAt: clock.now() });
  });

  it("is nobody's when it is missing, damaged, short, doubled, of another name or another key, and throws for none of it", () => {
    const cookie = make();
    const res = response();
    cookie.put(res, { subject: "ann", epoch: 0 });
    const whole = cookieOf(res);
    const [, value = ""] = whole.split("=");
    const other = sealedCookie({ name: "__Host-else", keys: [KEY] });
    for (const text of [
      undefined,
      "",
      `${NAME}=`,
      `${NAME}=x`,
      `${NAME}=${value.slice(0, 30)}`,
      `${NAME}=${value}x`,
      `${NAME}=${value}; ${NAME}=${value}`,
      `${NAME}=${"A".repeat(10_000)}`,
      `${NAME}=%00`,
    ]) {
      expect(cookie.read(request(text)), text).toBeNull();
    }
    expect(other.read(request(`__Host-else=${value}`))).toBeNull();
    expect(make(manualClock(), [OLDER]).read(request(whole))).toBeNull();
  });

  it("is over two hours after it was seen, and a day after it was made", () => {
    const clock = manualClock();
    const cookie = make(clock);
    let res = response();
    cookie.put(res, { subject: "ann", epoch: 0 });
    let current = cookieOf(res);
    clock.advance(hours(2));
    expect(cookie.read(request(current))).toBeNull();
    res = response();
    cookie.put(res, { subject: "ann", epoch: 0 });
    current = cookieOf(res);
    for (let round = 0; round < 24; round += 1) {
      clock.advance(minutes(59));
      const answer = response();
      expect(cookie.read(request(current), answer)).not.toBeNull();
      current = cookieOf(answer) || current;
    }
    clock.advance(minutes(24));
    expect(cookie.read(request(current))).toBeNull();
  });

  it("is sealed anew by the first key, and not more than once a minute", () => {
    const clock = manualClock();
    const res = response();
    make(clock, [OLDER]).put(res, { subject: "ann", epoch: 3 });
    const both = make(clock, [KEY, OLDER]);
    const answer = response();
    expect(both.read(request(cookieOf(res)), answer)).toMatchObject({ subject: "ann", epoch: 3 });
    expect(make(clock).read(request(cookieOf(answer)))).toMatchObject({ subject: "ann", epoch: 3 });
    const quiet = response();
    both.read(request(cookieOf(answer)), quiet);
    expect(lineOf(quiet)).toBe("");
  });

  it("that was put or removed on an answer is not replaced by the one that the request brought", () => {
    const clock = manualClock();
    const cookie = make(clock);
    const [signIn, bob] = [response(), response()];
    cookie.put(signIn, { subject: "ann", epoch: 0 });
    cookie.put(bob, { subject: "bob", epoch: 0 });
    const ann = request(cookieOf(signIn));
    clock.advance(minutes(5));
    const signOut = response();
    cookie.remove(signOut);
    cookie.read(ann, signOut);
    expect(lineOf(signOut)).toMatch(/^__Host-who=; .*Max-Age=0/);
    const before = lineOf(bob);
    cookie.read(ann, bob);
    expect(lineOf(bob)).toBe(before);
  });

  it("goes out on no answer that a cache may keep, and is not sent anew on one that is for everybody", () => {
    const clock = manualClock();
    const cookie = make(clock);
    const [res, mine, logo] = [response(), response(), response()];
    cookie.put(res, { subject: "ann", epoch: 0 });
    expect(res.getHeader("cache-control")).toBe("no-store");
    clock.advance(minutes(5));
    const again = request(cookieOf(res));
    mine.setHeader("cache-control", "private, max-age=60");
    logo.setHeader("cache-control", "public, max-age=60");
    for (const answer of [mine, logo]) expect(cookie.read(again, answer)?.subject).toBe("ann");
    expect([mine.getHeader("cache-control"), lineOf(mine)]).toEqual(["private, max-age=60", expect.stringContaining("__Host-who=")]);
    expect(lineOf(logo)).toBe("");
  });

  it("is over an idle time after a clock was put right, by which it was seen in the future", () => {
    const clock = manualClock();
    const cookie = make(clock);
    const [today, res, answer] = [clock.now(), response(), response()];
    clock.advance(hours(20));
    cookie.put(res, { subject: "ann", epoch: 0 });
    clock.set(today);
    cookie.read(request(cookieOf(res)), answer);
    clock.advance(hours(2));
    expect(cookie.read(request(cookieOf(answer)))).toBeNull();
  });

  it("names nobody of whom a column was forgotten", () => {
    const cookie = make();
    for (const subject of [undefined, null, 7, ""])
      expect(() => cookie.put(response(), { subject: subject as never, epoch: 0 })).toThrow(/`subject` must be a text/);
    for (const epoch of [undefined, null, "1", Number.NaN, 0.5])
      expect(() => cookie.put(response(), { subject: "ann", epoch: epoch as never })).toThrow(/`epoch` must be a whole number/);
  });

  it("says what is wrong with its options", () => {
    for (const name of ["__Host-who", "__Secure-who", "__host-who"])
      expect(() => sealedCookie({ name, keys: [KEY], secure: false })).toThrow(/browsers take no cookie/);
    expect(() => sealedCookie({ name: "who", keys: [KEY], secure: false })).not.toThrow();
    expect(() => sealedCookie({ name: "a b", keys: [KEY] })).toThrow(/name of a cookie/);
    expect(() => sealedCookie({ name: NAME, keys: ["short"] })).toThrow(ConfigError);
    expect(() => sealedCookie({ name: NAME, keys: [] })).toThrow(/at least one key/);
    expect(() => sealedCookie({ name: NAME, keys: [KEY], idle: 0 as never })).toThrow(/durations/);
    expect(() => sealedCookie({ name: NAME, keys: [KEY] }).put(response(), { subject: "x".repeat(4_000), epoch: 0 })).toThrow(
      /browsers keep 4096/,
    );
  });
});

describe("the example of the README", () => {
  it("lets in whom the cookie names, and neither a stranger nor somebody whose epoch moved on", async () => {
    const text = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const condition = /const isIn = (.+?);/.exec(text)?.[1] ?? "";
    const isIn = new Function("user", "holder", `return ${condition}`);
    for (const [user, holder, expected] of [
      [null, null, false],
      [undefined, { subject: "gone", epoch: 1 }, false],
      [{}, { subject: "ann", epoch: 1 }, false],
      [{ epoch: 2 }, { subject: "ann", epoch: 1 }, false],
      [{ epoch: 1 }, { subject: "ann", epoch: 1 }, true],
    ])
      expect(isIn(user, holder)).toBe(expected);
  });
});

describe("a cookie of nim-httpauth", () => {
  const key = "0123456789abcdef0123456789abcdef";
  const admin = "SctrgemO5U4zGvmIsS0k17xuGPpJJIB68vNA2vY73hSo02zq8o6Z3zlacp39m560R53nIxY";

  it("opens to the name in it", async () => {
    expect(await readHttpauthCookie(admin, key)).toBe("admin");
    expect(await readHttpauthCookie(admin, Buffer.from(key))).toBe("admin");
    expect(await readHttpauthCookie("PGDVMfMGhdECGsGXuAlzwVKcvIb8m6uGV9aHBUYVK3K5hy6bhx-YR51D8hMABoXuYw", key)).toBe("n");
  });

  it("that is none is nobody's, and throws for none of it", async () => {
    for (const value of [
      "",
      "x",
      "A".repeat(30),
      "A".repeat(71),
      admin.slice(0, -4),
      `${admin.slice(0, 40)}B${admin.slice(41)}`,
      "%%%",
      "=".repeat(80),
      "A".repeat(9_000),
      null,
      undefined,
    ]) {
      expect(await readHttpauthCookie(value, key), String(value)).toBeNull();
    }
    expect(await readHttpauthCookie(admin, "another key of thirty-two bytes!")).toBeNull();
    expect(await readHttpauthCookie([admin] as never, key)).toBeNull();
  });

  it("wants the key as it was", async () => {
    for (const wrong of ["short", "", undefined as never, new Uint8Array(31)])
      await expect(readHttpauthCookie(admin, wrong)).rejects.toThrow(/32 bytes/);
  });

  it("names nobody by what is no text, since two such names would become one", async () => {
    const seal = (name: readonly number[]): string => {
      const nonce = new Uint8Array(24);
      const text = Buffer.from([...Buffer.from("session|"), ...name]);
      return Buffer.concat([nonce, xsalsa20poly1305(Buffer.from(key), nonce).encrypt(text)]).toString("base64url");
    };
    expect(await readHttpauthCookie(seal([0xc3, 0xa4]), key)).toBe("ä");
    expect(await readHttpauthCookie(seal([0x61, 0xff]), key)).toBeNull();
    expect(await readHttpauthCookie(seal([]), key)).toBeNull();
  });
});
