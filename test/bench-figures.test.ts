/** What `npm run bench` measures is what it says: a figure of a server that answers wrongly means nothing. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loginOf, makeAccounts, removeAccounts, WITHOUT_PASSWORD } from "../bench/lib/accounts.mjs";
import { type Server, startServer } from "../bench/lib/server.mjs";
import { median, percentile, table } from "../bench/lib/statistics.mjs";
import { ask, signIn, tryToSignIn } from "../bench/lib/visitors.mjs";
import { countStatements } from "../bench/scenarios/queries.mjs";

afterAll(removeAccounts);

/** Starts the server for the tests of one `describe`. */
function serverOf(name: "castellan" | "express" | "express-session"): () => Server {
  let server: Server;
  beforeAll(async () => {
    server = await startServer(name, { env: { BENCH_FILE: await makeAccounts({ cost: 10 }) } });
  });
  afterAll(() => server.stop());
  return () => server;
}

describe.each(["express", "castellan", "express-session"] as const)("the measured server %s", (name) => {
  const server = serverOf(name);

  it("answers the page for everybody with the same text", async () => {
    expect(await ask(server(), "/public")).toMatchObject({ status: 200, body: "ok" });
  });

  it("reads the same file for the page that goes through libuv's pool", async () => {
    const { status, body } = await ask(server(), "/file");
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ name: "@castellan/bench" });
  });

  it("answers a user's page with the same text", async () => {
    const cookie = name === "express" ? "" : await signIn(server());
    expect(await ask(server(), "/me", { cookie })).toMatchObject({ status: 200, body: '{"login":"user1@example.test"}' });
  });

  it("tells its CPU time and its memory", async () => {
    const { cpuUs, rss } = await server().figures();
    expect(cpuUs).toBeGreaterThan(0);
    expect(rss).toBeGreaterThan(2 ** 20);
  });
});

describe.each(["castellan", "express-session"] as const)("the measured server %s, which has users,", (name) => {
  const server = serverOf(name);

  it("refuses a stranger, and one with a forged cookie", async () => {
    expect(await ask(server(), "/me")).toMatchObject({ status: 401 });
    const forged = (await signIn(server())).replace(/.{6}$/, "AAAAAA");
    expect(await ask(server(), "/me", { cookie: forged })).toMatchObject({ status: 401 });
  });

  it("names the user who signed in, and no other", async () => {
    const [one, seven] = [await signIn(server()), await signIn(server(), loginOf(7))];
    expect(await ask(server(), "/me", { cookie: seven })).toMatchObject({ status: 200, body: '{"login":"user7@example.test"}' });
    expect(await ask(server(), "/me", { cookie: one })).toMatchObject({ status: 200, body: '{"login":"user1@example.test"}' });
  });
});

describe("the measured server castellan", () => {
  const server = serverOf("castellan");

  it("refuses a wrong password, a login that nobody has, and an account without a password alike", async () => {
    for (const login of [loginOf(1), "nobody@example.test", WITHOUT_PASSWORD]) {
      const { status, body, cookie } = await tryToSignIn(server(), login, "not the right password");
      expect(status).toBe(401);
      expect(JSON.parse(body)).toMatchObject({ reason: "invalid_credentials" });
      expect(await ask(server(), "/me", { cookie })).toMatchObject({ status: 401 });
    }
  });

  it("runs no statement for a page that needs no user, one for a user's page, and writes at most once a minute", async () => {
    expect(await countStatements()).toEqual({ anonymous: 0, withCookie: 0, signedIn: 1, writesInAMinute: 1 });
  });
});

describe("the figures of the bench", () => {
  it("are medians and percentiles of what was measured", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    const upToAHundred = Array.from({ length: 100 }, (_, place) => 100 - place);
    expect(percentile(upToAHundred, 99)).toBe(100);
    expect(percentile(upToAHundred, 50)).toBe(51);
  });

  it("stand in a table that says whether the goal was reached", () => {
    const rows = [
      { what: "one", measured: "0.95", goal: "≥ 0.90", reached: true },
      { what: "two", measured: "0.85", goal: "≥ 0.90", reached: false },
      { what: "three", measured: "0.85", goal: "", reached: null },
    ];
    const [head, , ...lines] = table(rows).split("\n");
    expect(head).toMatch(/what .* measured .* goal .* reached\?/);
    expect(lines.map((line) => line.split("|").at(-2)?.trim())).toEqual(["yes", "**no**", ""]);
  });
});
