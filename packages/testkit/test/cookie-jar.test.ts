import assert from "node:assert/strict";
import { days, hours, seconds } from "@castellan/core";
import { type CookieJarOptions, cookieJar, manualClock } from "@castellan/testkit";
import { describe, it } from "vitest";

const HTTP = new URL("http://app.example.com/auth/login");
const HTTPS = new URL("https://app.example.com/auth/login");
const at = (path: string, base = HTTPS) => new URL(path, base);

/** A jar that took in `headers` from `url`. */
const jarWith = (headers: readonly string[], url = HTTPS, options: CookieJarOptions = {}) => {
  const jar = cookieJar({ clock: manualClock(), ...options });
  jar.store(url, headers);
  return jar;
};
const reasonFor = (header: string, url = HTTPS) => jarWith([header], url).refused[0]?.reason ?? null;

describe("a cookie jar", () => {
  it("sends back what it was given, to the same host and to no other", () => {
    const jar = jarWith(["sid=a=b; Path=/; HttpOnly", "theme=dark; Path=/"]);
    assert.equal(jar.headerFor(at("/")), "sid=a=b; theme=dark");
    assert.equal(jar.headerFor(new URL("https://example.com/")), null);
    assert.equal(jar.headerFor(new URL("https://sub.app.example.com/")), null);
    assert.equal(jar.get("sid")?.httpOnly, true);
    assert.equal(jar.get("theme")?.httpOnly, false);
  });

  it("replaces a cookie of the same name, domain and path, and keeps one of another path", () => {
    const jar = jarWith(["a=1; Path=/", "a=2; Path=/", "a=3; Path=/auth"]);
    assert.equal(jar.headerFor(at("/auth")), "a=3; a=2");
    assert.equal(jar.headerFor(at("/")), "a=2");
  });

  it("heeds Path at the borders of its parts, and takes the request's folder where none is given", () => {
    const jar = jarWith(["a=1; Path=/auth", "b=2", "c=3; Path=auth"]);
    assert.equal(jar.headerFor(at("/auth")), "a=1; b=2; c=3");
    assert.equal(jar.headerFor(at("/auth/x/y")), "a=1; b=2; c=3");
    assert.equal(jar.headerFor(at("/authors")), null);
    assert.equal(jarWith(["a=1; Path=/auth/"]).headerFor(at("/auth")), null);
  });

  it("heeds Domain: below it, and never a stranger's", () => {
    const jar = jarWith(["a=1; Domain=.Example.com; Path=/"]);
    assert.equal(jar.headerFor(new URL("https://other.example.com/")), "a=1");
    assert.equal(jar.headerFor(new URL("https://badexample.com/")), null);
    assert.match(reasonFor("a=1; Domain=evil.com") ?? "", /Domain/);
    assert.match(reasonFor("a=1; Domain=pp.example.com") ?? "", /Domain/);
  });

  it("keeps and sends Secure cookies over TLS only, or where the origin is declared secure", () => {
    assert.match(reasonFor("a=1; Secure", HTTP) ?? "", /Secure/);
    const jar = jarWith(["a=1; Secure; Path=/"]);
    assert.equal(jar.headerFor(at("/", HTTP)), null);
    assert.equal(jar.headerFor(at("/", HTTPS)), "a=1");
    assert.equal(jarWith(["a=1; Secure; Path=/"], HTTP, { secureOrigin: true }).headerFor(at("/", HTTP)), "a=1");
  });

  it("lets no insecure answer write over a Secure cookie", () => {
    const jar = jarWith(["sid=good; Secure; Path=/"]);
    jar.store(at("/", HTTP), ["sid=evil; Path=/", "sid=; Path=/; Max-Age=0"]);
    assert.equal(jar.get("sid")?.value, "good");
    assert.equal(jar.refused.length, 2);
  });

  it("holds __Host- and __Secure- cookies to their promise, in whatever case they are written", () => {
    assert.equal(reasonFor("__Host-sid=1; Secure; Path=/; HttpOnly"), null);
    for (const header of [
      "__Host-sid=1; Path=/",
      "__Host-sid=1; Secure",
      "__Host-sid=1; Secure; Path=/auth",
      "__Host-sid=1; Secure; Path=/; Domain=app.example.com",
      "__HOST-sid=1; Path=/",
    ]) {
      assert.match(reasonFor(header) ?? "", /__Host-/, header);
    }
    assert.match(reasonFor("__Secure-sid=1; Path=/") ?? "", /__Secure-/);
  });

  it("deletes by Max-Age=0 and by Expires in the past, under the same path only", () => {
    const jar = jarWith(["a=1; Path=/", "b=2; Path=/", "c=3; Path=/"]);
    const past = "Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    jar.store(HTTPS, ["a=; Path=/; Max-Age=0", `b=; Path=/; ${past}`, `c=; Path=/auth; ${past}`]);
    assert.deepEqual(
      jar.cookies.map(({ name }) => name),
      ["c"],
    );
  });

  it("forgets a cookie exactly when its life ends; Max-Age wins over Expires, and 400 days are the most", () => {
    const clock = manualClock();
    const expires = `Expires=${new Date(clock.now().getTime() + 5_000).toUTCString()}`;
    const headers = [`a=1; Max-Age=60; ${expires}`, `b=2; ${expires}`, "c=3; Max-Age=99999999999", "d=4"];
    const jar = jarWith(headers, HTTPS, { clock });
    const names = () => jar.cookies.map(({ name }) => name).join("");
    clock.advance(seconds(4.999));
    assert.equal(names(), "abcd");
    clock.advance(seconds(0.001));
    assert.equal(names(), "acd");
    clock.advance(days(400));
    assert.equal(names(), "d");
  });

  it("drops what ends with the browser when the browser is closed", () => {
    const jar = jarWith(["session=1", `remember=2; Max-Age=${hours(1) / 1_000}`]);
    jar.closeBrowser();
    assert.equal(jar.headerFor(HTTPS), "remember=2");
  });

  it("heeds SameSite: Strict never from another site, Lax only when a page is loaded, None always", () => {
    const jar = jarWith(["s=1; SameSite=Strict", "l=2; SameSite=Lax", "d=3", "n=4; SameSite=None; Secure"]);
    assert.equal(jar.headerFor(HTTPS), "s=1; l=2; d=3; n=4");
    assert.equal(jar.headerFor(HTTPS, { crossSite: true, safeNavigation: true }), "l=2; d=3; n=4");
    assert.equal(jar.headerFor(HTTPS, { crossSite: true }), "n=4");
    assert.match(reasonFor("n=4; SameSite=None") ?? "", /SameSite=None/);
  });

  it("refuses what no browser keeps: control characters, more than 4,096 bytes, nothing at all", () => {
    assert.match(reasonFor("a=1\u0001") ?? "", /control/);
    assert.match(reasonFor(`a=${"x".repeat(4_096)}`) ?? "", /4096/);
    assert.equal(reasonFor(`a=${"x".repeat(4_095)}`), null);
    assert.match(reasonFor("=") ?? "", /neither/);
  });

  it("gives a thief a copy, after which the two go their own ways", () => {
    const jar = jarWith(["sid=1"]);
    const stolen = jar.copy();
    jar.delete("sid");
    assert.equal(jar.headerFor(HTTPS), null);
    assert.equal(stolen.headerFor(HTTPS), "sid=1");
  });
});
