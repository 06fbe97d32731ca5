import { auth } from "@castellan/auth";
import { allowPlainHttp, ConfigError, createCastellan, days, minutes, seconds } from "@castellan/core";
import { logout } from "@castellan/logout";
import { memoryStorer } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";
import { describe, expect, it, onTestFinished } from "vitest";
import { closed, errorOf, good, KEY, make, makeOf, problemsOf, small } from "./support/wiring.ts";

describe("a gate", () => {
  it("starts when nothing is wrong", async () => {
    const gate = castellan({ ...good(), modules: { auth: auth(), logout: logout() } });
    onTestFinished(() => gate.close());
    expect(gate.describe().modules).toEqual(["auth", "logout"]);
  });

  it.each<object>([
    { mount: "" },
    { mount: "/a/b-c_d.e~f" },
    { rootUrl: "https://app.example.com:8443/prefix/" },
    { rootUrl: "http://localhost:3000", development: true },
    { rootUrl: "http://127.0.0.2:3000", development: true },
    { rootUrl: "http://[::1]:3000", development: true },
    { rootUrl: "http://app.localhost", development: true },
    { rootUrl: "http://app.example.com", [allowPlainHttp]: true },
    { origins: ["https://front.example.com", "http://localhost:5173"] },
    { keys: [KEY, `${KEY}-2`] },
    { sweepEvery: days(24) },
    { lifetime: { idle: seconds(1) } },
    { limits: { "attempt/network": { max: 5, per: minutes(1) }, "attempt/subject": { max: 0, per: minutes(1) } } },
    { locales: ["de-CH"] },
    { mail: { from: { name: "The gate", address: "no-reply@example.com" } } },
    { cookiePrefix: "A-1" },
  ])("may be told %o", async (changes) => {
    const gate = castellan({ ...good(), ...changes });
    await gate.close();
  });
});

describe("a gate that is wired wrongly", () => {
  it("tells everything that is wrong at once, each with its mend", () => {
    const { load: _load, changePasswordHash: _change, ...storer } = memoryStorer();
    const options = {
      rootUrl: "http://app.example.com",
      mount: "auth/",
      keys: ["too short"],
      origins: ["https://front.example.com/"],
      storer: { ...storer, userFields: ["pid", "login", "epoch"] },
      sessions: expressSessions({ secret: "s" }),
      sweepEvery: days(25),
      modules: { auth: auth(), logout, close: logout() },
    };
    expect(errorOf(() => make(options)).message).toMatchInlineSnapshot(`
      "Castellan cannot start, 11 things are wrong:
        - \`keys[0]\` must be a text of at least 32 bytes: make one with \`node -p "crypto.randomBytes(32).toString('base64url')"\` and keep it out of the source
        - \`rootUrl\` must begin with https: (http: passes only with \`development: true\` on localhost, or with [allowPlainHttp]: true, a name to import from castellan)
        - \`mount\` must begin with a slash and not end with one, for example "/auth"; "" is the root
        - \`origins\`: "https://front.example.com/" is not an origin; write it as https://host or https://host:port
        - the storer has no operation \`load\` (capability "server"): add it
        - module "auth": the storer has no operation \`changePasswordHash\` (capability "authable"): add it, or leave the module out
        - module "auth": the storer's users have no field \`passwordHash\` (capability "authable"): load it as a string or null and list it in \`userFields\`, or leave the module out
        - \`modules.logout\` is not a module: call its function, for example logout: logout()
        - \`modules.close\`: the gate has a member of that name; choose another one
        - \`sweepEvery\` must be a duration of at most 24 days, or null for never
        - \`sessions: secret[0]\` must be a text of at least 32 bytes: make one with \`node -p "crypto.randomBytes(32).toString('base64url')"\` and keep it out of the source"
    `);
  });

  it("is a ConfigError with a code, and the problems as a list", () => {
    const error = errorOf(() => makeOf({ keys: [] }));
    expect(error).toMatchObject({ name: "ConfigError", code: "CASTELLAN_CONFIG" });
    expect(error.problems).toHaveLength(1);
    expect(error.message).toBe(`Castellan cannot start, one thing is wrong:\n  - ${error.problems[0]}`);
  });

  it("never shows a key or a secret in what it says", () => {
    const error = errorOf(() => makeOf({ keys: ["hunter2"], sessions: expressSessions({ secret: "hunter3" }) }));
    expect(error.message).not.toMatch(/hunter/);
  });
});

describe("options of plain JavaScript", () => {
  it.each([[undefined], [null], [{}], [42], ["options"], [[]]])(
    "that are missing altogether give the whole list, and no TypeError: %j",
    (options) => {
      const whole = errorOf(() => Reflect.apply(createCastellan, null, [options])).problems;
      expect(whole.map((problem) => /`(\w+)`/.exec(problem)?.[1])).toEqual([
        "keys",
        "rootUrl",
        "hasher",
        "passwordPolicy",
        "renderer",
        "identifier",
        "mailer",
        "sms",
        "logger",
        "clock",
        "random",
        "sessions",
        "storer",
        "modules",
      ]);
      const unfilled = errorOf(() => make(options)).problems;
      expect(unfilled.map((problem) => /`(\w+)`/.exec(problem)?.[1])).toEqual(["keys", "rootUrl", "sessions", "storer", "modules"]);
    },
  );

  it.each([
    "rootUrl",
    "mount",
    "keys",
    "storer",
    "sessions",
    "modules",
    "hasher",
    "passwordPolicy",
    "renderer",
    "identifier",
    "mailer",
    "sms",
    "logger",
    "clock",
    "random",
    "lifetime",
    "limits",
    "origins",
    "cookiePrefix",
    "locales",
    "sweepEvery",
    "keep",
    "words",
    "applicationName",
    "mail",
  ])("may have anything in place of `%s`, and what happens is no TypeError", async (option) => {
    for (const value of [undefined, null, 42, "", "x", true, [], [null], {}, { a: null }, () => null, Symbol("x")]) {
      try {
        await closed(makeOf({ [option]: value }));
      } catch (error) {
        expect(error, `${option}: ${String(value)}: ${String(error)}`).toBeInstanceOf(ConfigError);
      }
    }
  });

  it.each([
    null,
    {},
    { from: null },
    { from: "no-reply@example.com" },
    { from: { address: 42 } },
    { from: { address: "Ann <ann@example.com>" } },
  ])("must say who mails come from, where they say anything about mails: %j", (mail) => {
    expect(problemsOf({ mail })).toEqual([expect.stringContaining("`mail.from.address` must be one e-mail address")]);
  });

  it.each([
    ["keep", "cart"],
    ["words", "acme"],
    ["words", [42]],
  ])("must list texts where texts are listed: %s", (option, value) => {
    expect(problemsOf({ [option]: value })).toEqual([expect.stringContaining(`\`${option}\` must be a list of texts`)]);
  });

  it.each([
    ["hasher"],
    ["passwordPolicy"],
    ["renderer"],
    ["identifier"],
    ["mailer"],
    ["sms"],
    ["logger"],
    ["clock"],
    ["random"],
    ["sessions"],
  ])("miss a seam where it lacks its function: %s", (seam) => {
    for (const value of [null, {}, 42, () => null]) expect(problemsOf({ [seam]: value })[0]).toContain(`\`${seam}\` is missing`);
  });
});

describe("the address", () => {
  const MUST_BE = "must be the address that people see";

  it.each([
    ["app.example.com", MUST_BE],
    ["", MUST_BE],
    ["/", MUST_BE],
    ["ftp://app.example.com", MUST_BE],
    ["javascript:alert(1)", MUST_BE],
    ["https://", MUST_BE],
    ["https://app.example.com?x=1", "must not have a query"],
    ["https://app.example.com#x", "must not have a query"],
    ["https://ann@app.example.com", "must not have a query"],
    ["https://:secret@app.example.com", "must not have a query"],
    ["http://app.example.com", "must begin with https:"],
    ["http://localhost:3000", "must begin with https:"],
  ])("must be one that people can be sent to: %s", (rootUrl, mend) => {
    expect(problemsOf({ rootUrl })).toEqual([expect.stringContaining(mend)]);
  });

  it.each([
    "http://app.example.com",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://0.0.0.0",
    "http://192.168.0.1",
  ])("may be plain HTTP in development on this machine only: %s", (rootUrl) => {
    expect(problemsOf({ rootUrl, development: true })).toEqual([expect.stringContaining("must begin with https:")]);
  });

  it.each(["auth", "auth/", "/auth/", "/", "//auth", "/a b", "/auth?x", "/auth#x", "/:id", "/a/*", "/auth\n"])(
    "must have a mount that is a path: %j",
    (mount) => {
      expect(problemsOf({ mount })).toEqual([expect.stringContaining("`mount` must begin with a slash")]);
    },
  );

  it.each([
    "front.example.com",
    "https://front.example.com/",
    "https://front.example.com:443",
    "https://front.example.com/x",
    "https://*.example.com/",
    "*",
    "null",
    "",
    "ftp://x.example",
    42,
    null,
  ])("has other origins only in the form in which browsers send them: %j", (origin) => {
    expect(problemsOf({ origins: ["https://good.example.com", origin] })).toEqual([expect.stringContaining("is not an origin")]);
  });

  it("has a list of other origins", () => {
    expect(problemsOf({ origins: "https://front.example.com" })).toEqual([expect.stringContaining("`origins` must be a list")]);
  });
});

describe("figures", () => {
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "14d", null])("of a lifetime are durations: %j", (idle) => {
    expect(problemsOf({ lifetime: { idle } })).toEqual([expect.stringContaining("`lifetime.idle` must be a duration")]);
  });

  it.each([0, -1, Number.NaN, "10m", days(25)])("of the sweep are durations that a timer can wait: %j", (sweepEvery) => {
    expect(problemsOf({ sweepEvery })).toEqual([expect.stringContaining("`sweepEvery` must be a duration of at most 24 days")]);
  });

  it.each([
    null,
    5,
    {},
    { max: 5 },
    { per: 1000 },
    { max: "5", per: 1000 },
    { max: 1.5, per: 1000 },
    { max: -1, per: 1000 },
    { max: 5, per: 0 },
  ])("of a limit are a whole number and a duration: %j", (limit) => {
    expect(problemsOf({ limits: { "attempt/network": limit } })).toEqual([expect.stringContaining('`limits["attempt/network"]` needs')]);
  });

  it("of a limit that nobody has are an error that names those there are", () => {
    const limits = {
      "atempt/network": { max: 5, per: minutes(1) },
      "small/use": { max: 5, per: minutes(1) },
      nothing: { max: 1, per: minutes(1) },
    };
    expect(problemsOf({ limits, modules: { small: small("small", "/small") } })).toEqual([
      '`limits`: there is no limit "atempt/network"; there are attempt/network, attempt/subject, small/use',
      '`limits`: there is no limit "nothing"; there are attempt/network, attempt/subject, small/use',
    ]);
  });

  it.each(["", "1x", "a b", "a;b", "a=b", "é", "x".repeat(32), "__Host-x"])(
    "of a cookie's name are letters, digits and hyphens: %j",
    (cookiePrefix) => {
      expect(problemsOf({ cookiePrefix })).toEqual([expect.stringContaining("`cookiePrefix` must be")]);
    },
  );

  it.each([["en"], [[]], [[42]], [null]])("of languages are a list of at least one: %j", (locales) => {
    expect(problemsOf({ locales })).toEqual([expect.stringContaining("`locales` must be a list")]);
  });
});
