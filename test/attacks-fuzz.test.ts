/** Random requests, the same in each run: nothing that a stranger sends may break anything, or write anything. */
import assert from "node:assert/strict";
import type { Random } from "@castellan/core";
import { type BrowserClient, seededRandom } from "@castellan/testkit";
import cookieParser from "cookie-parser";
import express from "express";
import { describe, it, onTestFinished } from "vitest";
import { ANN, BOB, type DoorApp, type DoorChanges, haveUser, parallel, signedIn, startDoors, whoIs } from "./support/doors.ts";
import { type RawAnswer, sendRaw } from "./support/raw.ts";
import { type StorerKind, storerKinds } from "./support/storers.ts";

/** Few enough to be run each time; more of them with FUZZ=20000. */
const REQUESTS = Number(process.env["FUZZ"] ?? 600);

const TARGETS = [
  ..."/auth/login /auth/login /auth/login /auth/login /auth/register /auth/register /auth/register /auth/logout /auth/castellan.css /auth/ /auth / /me /account /full /note /AUTH/login /auth/login/ //auth/login".split(
    " ",
  ),
  ..."/auth/%6cogin /auth/login;x /auth/login?redir=//evil /auth/login?redir=/x&redir=/y /auth/__proto__ /auth/constructor /auth/toString * http://evil/auth/login".split(
    " ",
  ),
  ..."/auth/login%00 /auth/login?% /account?%ff%fe /auth/login#x /auth/\xff /account\xe9?\xff /. /.. /auth/../account /%2e%2e".split(" "),
];
const METHODS = "GET GET POST POST POST PUT DELETE HEAD OPTIONS PATCH TRACE PROPFIND LOCK PURGE M-SEARCH BREW".split(" ");
const TYPES = [
  "application/json",
  "application/json",
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded",
  "text/plain",
  "multipart/form-data; boundary=x",
  "application/json,text/plain",
  "application/json; charset=utf-16",
  "application/x-www-form-urlencoded+json",
  "a/b;".repeat(500),
];
const BODIES = [
  "{}",
  '{"email":"zed@example.com","password":"x"}',
  '{"email":{"$gt":""},"password":[]}',
  "[]",
  "null",
  '"x"',
  "1e999",
  '{"__proto__":{"admin":true},"email":1,"toString":"x"}',
  '{"email":"\\ud800","password":"\\u0000"}',
  '{"email":"a@b.cc","email":"c@d.ee"}',
  "\xef\xbb\xbf{}",
  "email=zed%40example.com&password=x",
  "email=%ff&password=%00",
  "email[]=1&email[x][y]=2&__proto__[z]=3",
  "&&&==&=;",
  "%",
  "\0\0\0",
  "a=1&".repeat(3000),
  "x".repeat(20_000),
  '{"a":'.repeat(3000),
  `{"${"a".repeat(9000)}":1}`,
  `{"email":"${"a@".repeat(500)}","password":"x"}`,
];
const COOKIES = [
  "__Host-castellan-sid=s%3Aabc.def",
  "__Host-castellan-sid=j%3A%7B%7D",
  "__Host-castellan-sid=j:{}; __Host-castellan-sid=j:[]",
  "__Host-castellan-csrf=a.b; __Host-castellan-flash=x.y",
  "__Host-castellan-csrf=.; __Host-castellan-flash=.",
  "__Host-castellan-flash=AAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "__Host-castellan-sid",
  "=;=;;;",
  "__Host-castellan-sid=s%3A.; a=%E0%A4%A",
  `x=${"a;".repeat(4000)}`,
  `__Host-castellan-sid=${"a".repeat(8000)}`,
  '__Host-castellan-sid="s%3Aabc.def"',
];
const HEADERS = [
  "Accept: application/json",
  "Accept: */*;q=NaN, text/html;q=-1, application/json;q=1e9",
  `Accept: ${"a/b;q=0.1,".repeat(300)}`,
  "Accept: \xff",
  `Accept-Language: ${"a-".repeat(200)}`,
  "Accept-Language: ;;;q=,*",
  "Origin: null",
  "Origin: https://app.example.test",
  "Origin: https://app.example.test",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-Site: none",
  "Sec-Fetch-Site: \xff",
  "Sec-Fetch-Mode: navigate",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Proto: , ,",
  "X-Forwarded-For: ::ffff:1.2.3.4, 5",
  `X-CSRF-Token: ${"A".repeat(86)}`,
  "Content-Encoding: gzip",
  "Content-Encoding: identity",
  "Expect: 100-continue",
  "X-HTTP-Method-Override: DELETE",
  "User-Agent: \x80\xfe\x1b[2J",
  `User-Agent: ${"u".repeat(4000)}`,
  "Host: evil:99999",
  "Range: bytes=0-1",
  "If-None-Match: *",
  "Referer: \x01",
  "Authorization: Basic ====",
];

interface Dice {
  /** A whole number below `end`. */
  below(end: number): number;
  pick<T>(from: readonly T[]): T;
  chance(of: number): boolean;
  noise(most: number): string;
}

function diceOf(random: Random): Dice {
  const below = (end: number): number => Buffer.from(random.bytes(4)).readUInt32BE() % end;
  const pick = <T>(from: readonly T[]): T => {
    const picked = from[below(from.length)];
    if (picked === undefined) throw new Error("there is nothing to pick from");
    return picked;
  };
  return {
    below,
    pick,
    chance: (of) => below(1000) < of * 1000,
    noise: (most) => Buffer.from(random.bytes(1 + below(most))).toString("latin1"),
  };
}

/** One request. `token` is a good one, so that some of them get past the protection against forgery. */
function requestOf(dice: Dice, token: string, cookie: string): { readonly bytes: string; readonly hangUp: boolean } {
  const method = dice.pick(METHODS);
  const good = dice.chance(0.5);
  const noisy = dice.chance(0.15) ? dice.noise(400) : dice.pick(BODIES);
  const body = good && !noisy.startsWith("{") ? `${noisy}&_csrf=${token}` : noisy;
  const lines = Array.from({ length: dice.below(5) }, () => dice.pick(HEADERS));
  if (good) lines.push("Sec-Fetch-Site: same-origin", `X-CSRF-Token: ${token}`, `Cookie: ${cookie}`);
  else if (dice.chance(0.7)) lines.push(`Cookie: ${dice.pick(COOKIES)}`);
  if (dice.chance(0.1)) lines.push(`Cookie: ${dice.pick(COOKIES)}`);
  if (dice.chance(0.1)) lines.push(`X-Noise: ${dice.noise(40).replaceAll(/[\0\r\n]/g, "")}`);
  if (!lines.some((line) => line.startsWith("Host"))) lines.push("Host: app.example.test");
  if (dice.chance(0.9)) lines.push(`Content-Type: ${dice.pick(TYPES)}`);
  const chunked = dice.chance(0.1);
  const cut = dice.chance(0.05);
  const length = body.length + (cut ? 10 : 0);
  lines.push(chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`, "Connection: close");
  const sent = chunked ? `${body.length.toString(16)}\r\n${body}\r\n${cut ? "" : "0\r\n\r\n"}` : body;
  return { bytes: `${method} ${dice.pick(TARGETS)} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${sent}`, hangUp: cut };
}

const SECRETS = [/at .*\(.*:\d+:\d+\)/, /node_modules/, /SQLITE/i, /castellan_user/, /\$test\$/, /TypeError|RangeError|SyntaxError/];

/** Sends the requests, those with a good token as `sender`. */
async function bombard(
  app: DoorApp,
  seed: string,
  sender: BrowserClient,
): Promise<readonly { readonly sent: string; readonly got: RawAnswer }[]> {
  const dice = diceOf(seededRandom(seed));
  const token = String(Reflect.get(Object((await sender.json("GET", "/auth/login")).json()), "csrfToken"));
  const cookie = ["sid", "csrf"]
    .map((name) => `__Host-castellan-${name}`)
    .flatMap((name) => sender.jar.get(name)?.value.replace(/^/, `${name}=`) ?? [])
    .join("; ");
  const requests = Array.from({ length: REQUESTS }, () => requestOf(dice, token, cookie));
  const results: { sent: string; got: RawAnswer }[] = [];
  // Twenty at a time, as many as there are in the queue.
  await parallel(20, async () => {
    for (let next = requests.pop(); next; next = requests.pop())
      results.push({ sent: next.bytes, got: await sendRaw(app.url, next.bytes, next) });
  });
  return results;
}

const parsers: readonly (readonly [string, NonNullable<DoorChanges["first"]>])[] = [
  ["before any body parser", () => {}],
  ["behind a cookie parser and body parsers", (web) => web.use(cookieParser(), express.urlencoded({ extended: true }), express.json())],
];

/** Starts an application and notes what would have ended its process. */
async function target(kind: StorerKind, first: NonNullable<DoorChanges["first"]>) {
  const crashes: unknown[] = [];
  const note = (error: unknown): void => void crashes.push(error);
  process.on("unhandledRejection", note);
  process.on("uncaughtExceptionMonitor", note);
  onTestFinished(() => {
    process.off("unhandledRejection", note);
    process.off("uncaughtExceptionMonitor", note);
  });
  const app = await startDoors({
    kind,
    first,
    add: (web) => {
      web.get("/note", (req, res) => void res.send(typeof req.session));
      // What the application's own parsers refuse is the application's to answer.
      web.use(((error, _req, res, _next) => void res.status(error.status ?? 500).send("refused")) satisfies express.ErrorRequestHandler);
    },
  });
  return { app, crashes };
}

type Results = Awaited<ReturnType<typeof bombard>>;

function assertHarmless(results: Results, { app, crashes }: Awaited<ReturnType<typeof target>>): void {
  const statuses = new Set<number>();
  for (const { sent, got } of results) {
    statuses.add(got.status);
    const shown = JSON.stringify(sent.slice(0, 700));
    assert.ok(got.status < 500, `${got.status} ${shown} ${got.text.slice(-300)}`);
    for (const secret of SECRETS) assert.doesNotMatch(got.text, secret, shown);
  }
  // The requests do get somewhere: past the guards, to each kind of answer.
  for (const status of [200, 303, 400, 403, 404, 405]) assert.ok(statuses.has(status), `no answer was ${status}`);
  assert.ok(statuses.has(401) || statuses.has(422));
  assert.deepEqual(crashes, []);
  assert.deepEqual(
    app.log.filter(({ level }) => level === "error"),
    [],
  );
  assert.equal(Reflect.get({}, "admin") ?? Reflect.get({}, "z"), undefined);
}

for (const kind of storerKinds) {
  for (const [where, first] of parsers) {
    describe(`random requests to every route (${kind}, ${where})`, () => {
      it("of strangers get no 5xx, tell no secrets, make no user, sign-in or session, and end no process", async () => {
        const aimed = await target(kind, first);
        const { app } = aimed;
        const pid = await haveUser(app);
        const owner = await signedIn(app);
        const stored = async () => ({ user: await app.storer.load(pid), signIns: await app.gate.signIns(pid), rows: await rowsOf(app) });
        const before = await stored();
        assertHarmless(await bombard(app, `${kind} ${where}`, app.browser()), aimed);
        assert.deepEqual(await stored(), before);
        assert.equal(await whoIs(owner), ANN);
      });

      it("of somebody who is signed in do no harm to anybody else", async () => {
        const aimed = await target(kind, first);
        const { app } = aimed;
        await haveUser(app);
        await haveUser(app, BOB);
        const owner = await signedIn(app);
        assertHarmless(await bombard(app, `signed in, ${kind} ${where}`, await signedIn(app, BOB)), aimed);
        assert.equal(await whoIs(owner), ANN);
        assert.equal((await owner.get("/note")).text, "object");
      });
    });
  }
}

/** How many users, sign-ins, challenges and sessions there are. Counters of limits may be written. */
async function rowsOf(app: DoorApp): Promise<readonly number[]> {
  const dump: unknown = JSON.parse(await app.dump());
  const tables = Array.isArray(dump)
    ? dump
    : ["users", "signIns", "challenges", "counters", "sessions"].map((name) => Reflect.get(Object(dump), name));
  return tables.filter((_, index) => index !== 3).map((rows) => (Array.isArray(rows) ? rows.length : -1));
}
