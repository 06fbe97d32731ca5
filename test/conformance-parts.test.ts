/** Behaviours that the table of conformance claims for the parts: storers, answers, rules, bodies. See docs/conformance.md. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { type Random, tokenMaker } from "@castellan/core";
import { register } from "@castellan/register";
import { type MemoryStorer, memoryStorer, seededRandom, TEST_SECRET } from "@castellan/testkit";
import { bcryptHasher, ConfigError, castellan, expressSessions, jsonLogger } from "castellan";
import { describe, it } from "vitest";
import { ANN, haveUser, logIn, PASSWORD, startDoors, verdictOf } from "./support/doors.ts";
import { parts } from "./support/parts.ts";

const settings = { rootUrl: "https://app.example.com", keys: ["a-key-of-the-tests-9876543210-zyxwvutsrqponm"], sweepEvery: null };
const gateOver = (storer: MemoryStorer) =>
  castellan({ ...settings, storer, sessions: expressSessions({ secret: TEST_SECRET }), modules: { auth: auth(), register: register() } });

describe("a storer", () => {
  it("T05.11 T05.15: with every operation and every field of the user starts with every module", async () => {
    const gate = gateOver(memoryStorer());
    assert.deepEqual(gate.describe().modules, ["auth", "register"]);
    await gate.close();
  });

  it("T05.12 T05.16: that lacks operations or fields does not start, and every one that is missing is named at once", () => {
    // As plain JavaScript would hand it over; the compiler says the same on the module's line.
    const { createUser: _, upgradePasswordHash: __, ...bare } = memoryStorer();
    const storer = { ...bare, userFields: ["pid", "login", "epoch"] } as unknown as MemoryStorer;
    assert.throws(
      () => gateOver(storer),
      (error) => {
        assert.ok(error instanceof ConfigError);
        for (const name of ["upgradePasswordHash", "passwordHash", "createUser", "email", "profile"]) {
          assert.ok(
            error.problems.some((problem) => problem.includes(`\`${name}\``)),
            name,
          );
        }
        return true;
      },
    );
  });
});

describe("page data of the application", () => {
  it("T05.03 T06.07: is gathered from everybody who adds to it, on every page and in JSON, with the status and type of the answer; the suite's own data wins", async () => {
    const app = await startDoors({ extra: parts() });
    app.gate.pageData(() => ({ tenant: "north", heading: "of the application" }));
    app.gate.pageData(async (req) => ({
      agent: req.headers["user-agent"] !== undefined,
      status: "odd",
      reason: "odd",
      modules: "odd",
      csrfToken: "odd",
    }));
    const json = await app.browser().json("GET", "/auth/parts");
    assert.deepEqual([json.status, json.headers["content-type"]], [202, "application/json; charset=utf-8"]);
    const { csrfToken, modules, ...rest } = Object(json.json());
    assert.deepEqual(rest, {
      tenant: "north",
      agent: true,
      heading: "of the handler",
      status: "success",
      reason: "parts_done",
      message: "Done.",
    });
    assert.notEqual(csrfToken, "odd");
    assert.equal(modules.auth, true);
    const page = await app.browser().get("/auth/parts");
    assert.deepEqual([page.status, page.headers["content-type"]], [202, "text/html; charset=utf-8"]);
    assert.match(page.page.text, /of the handler\s+of the application/);
  });
});

describe("problems", () => {
  it("T05.18 T07.18: are told by field, missing ones too; one that belongs to no field has an empty name; good fields have none", async () => {
    const app = await startDoors({ extra: parts() });
    const problemsOf = async (path: string, body: object): Promise<unknown> =>
      Reflect.get(Object((await app.browser().json("POST", path, body)).json()), "problems");
    assert.deepEqual(await problemsOf("/auth/login", { email: ANN }), [
      { field: "password", reason: "required", message: "Please fill this in." },
    ]);
    assert.deepEqual(await problemsOf("/auth/parts/problems", {}), [{ field: "", reason: "invalid", message: "This is not valid." }]);
    assert.equal(await problemsOf("/auth/parts/fields", { code: "123" }), undefined);
  });
});

describe("secrets", () => {
  it("T05.21: bcrypt hashes have 60 characters and the configured cost; the right password is taken, a wrong one is not", async () => {
    const hasher = bcryptHasher({ cost: 10 });
    const hash = await hasher.hash(PASSWORD);
    assert.match(hash, /^\$2b\$10\$.{53}$/);
    assert.deepEqual([await hasher.verify(PASSWORD, hash), await hasher.verify("wrong", hash)], [true, false]);
    await hasher.close?.();
  });

  it("T05.22: a token holds selector and verifier of fixed size, and parsing it leads to the row that was stored", () => {
    const random: Random = seededRandom("conformance");
    const { token, ...row } = tokenMaker(random).make("recover");
    assert.equal(Buffer.from(token, "base64url").length, 16 + 32);
    assert.deepEqual(tokenMaker(random).parse("recover", token), row);
  });
});

describe("what goes wrong", () => {
  it("T06.02: is logged with the method, the path without its query, and the error; the visitor gets 503 and no word of it", async () => {
    const app = await startDoors({ extra: parts() });
    const reply = await app.browser().json("POST", "/auth/parts/throws?token=hunter2", {});
    assert.equal(verdictOf(reply), "503 unavailable");
    assert.doesNotMatch(reply.text, /wheel/);
    const [line] = app.log.filter(({ level }) => level === "error");
    assert.deepEqual([line?.fields["method"], line?.fields["path"]], ["POST", "/parts/throws"]);
    assert.equal(Reflect.get(Object(line?.fields["error"]), "message"), "the wheel came off");
    assert.doesNotMatch(JSON.stringify(app.log), /hunter2/);
  });

  it("T06.05: is one line of JSON with the time in UTC (RFC 3339), the level and the message", () => {
    const lines: string[] = [];
    jsonLogger((line) => void lines.push(line), { now: () => new Date("2026-01-02T03:04:05.006Z") }).warn("slow", { took: 5 });
    assert.deepEqual(lines, ['{"time":"2026-01-02T03:04:05.006Z","level":"warn","message":"slow","took":5}\n']);
  });
});

describe("an answer", () => {
  const bodyOf = (text: unknown): Record<string, unknown> => {
    const { csrfToken: _, modules: __, ...rest } = Object(text);
    return rest;
  };

  it("T06.06: in JSON says success or failure by its status", async () => {
    const app = await startDoors();
    await haveUser(app);
    const [good, bad] = [await logIn(app.browser()), await logIn(app.browser(), ANN, "wrong")];
    assert.deepEqual([bodyOf(good.json())["status"], bodyOf(bad.json())["status"]], ["success", "failure"]);
  });

  it("T06.08 T06.09: that leads on gives a JSON client 200 with status, message and location; the page that was wanted where the handler goes by it", async () => {
    const app = await startDoors({ extra: parts() });
    const browser = app.browser();
    const done = { status: "success", reason: "parts_done", message: "Done." };
    const failed = { status: "failure", reason: "parts_failed", message: "Not done." };
    const cases = [
      ["POST", "/auth/parts", { ...done, location: "/done" }],
      ["POST", "/auth/parts?redir=/wanted", { ...done, location: "/wanted" }],
      ["DELETE", "/auth/parts?redir=/wanted", { ...failed, location: "/wanted" }],
      ["POST", "/auth/parts/elsewhere?redir=/wanted", { status: "success", location: "/elsewhere" }],
    ] as const;
    for (const [method, path, expected] of cases) {
      const reply = await browser.json(method, path, {});
      assert.deepEqual([reply.status, reply.location, bodyOf(reply.json())], [200, null, expected]);
    }
  });

  it("T06.10 T06.11: that leads on sends a browser there by 303, to the page that was wanted where the handler goes by it", async () => {
    const app = await startDoors({ extra: parts() });
    const browser = app.browser();
    const _csrf = String(Reflect.get(Object((await browser.json("GET", "/auth/login")).json()), "csrfToken"));
    for (const [path, location] of [
      ["/auth/parts", "/done"],
      ["/auth/parts?redir=/wanted", "/wanted"],
      ["/auth/parts/elsewhere?redir=/wanted", "/elsewhere"],
    ] as const) {
      const reply = await browser.post(path, { _csrf }, { followRedirects: false });
      assert.deepEqual([reply.status, reply.location], [303, location]);
    }
  });

  it("T06.12 T06.13: comes from the handler of the method, with the body; another method gets 405", async () => {
    const app = await startDoors({ extra: parts() });
    const browser = app.browser();
    assert.equal((await browser.json("GET", "/auth/parts")).status, 202);
    assert.equal(bodyOf((await browser.json("POST", "/auth/parts", { redir: "/body" })).json())["location"], "/body");
    assert.equal(bodyOf((await browser.json("DELETE", "/auth/parts", { redir: "/body" })).json())["status"], "failure");
    const reply = await browser.json("PUT", "/auth/parts", {});
    assert.deepEqual([reply.status, reply.headers.allow], [405, "DELETE, GET, HEAD, OPTIONS, POST"]);
  });
});

describe("a rule", () => {
  const told = async (body: object) => {
    const app = await startDoors({ extra: parts() });
    const json: unknown = (await app.browser().json("POST", "/auth/parts/fields", body)).json();
    const problems: unknown = Reflect.get(Object(json), "problems");
    return Array.isArray(problems)
      ? problems.map(({ field, reason, message }) => [field, reason, message])
      : Reflect.get(Object(json), "location");
  };
  const required = [["code", "required", "Please fill this in."]];

  it("T07.01 T07.02: of a field that must be filled in is broken by nothing and by white space", async () => {
    for (const body of [{}, { code: "" }, { code: " \t " }]) assert.deepEqual(await told(body), required);
  });

  it("T07.03 T07.06 T07.07: of a field's schema is told in the schema's own words: pattern, length, range", async () => {
    assert.deepEqual(await told({ code: "12a" }), [["code", "invalid", "digits only"]]);
    assert.deepEqual(await told({ code: "1" }), [["code", "invalid", "two at least"]]);
    assert.deepEqual(await told({ code: "12345" }), [["code", "invalid", "four at most"]]);
  });

  it("T07.04: of the length of passwords is told with the figure", async () => {
    const app = await startDoors();
    const reply = await app.browser().json("POST", "/auth/register", { email: ANN, password: "short" });
    const [problem] = Reflect.get(Object(reply.json()), "problems");
    assert.deepEqual([problem.reason, problem.parameters], ["password_too_short", { minLength: 15 }]);
    assert.match(problem.message, /at least 15 characters/);
  });

  it("T07.16: lets a good field pass, and a blank one not", async () => {
    assert.equal(await told({ code: "123", comment: "fine" }), "/took/123/fine");
    assert.deepEqual(await told({ code: "", comment: "fine" }), required);
  });
});

describe("a body", () => {
  it("T08.01 T08.02: gives login and password from a form and from JSON alike", async () => {
    const app = await startDoors();
    await haveUser(app);
    const { page } = await app.browser().get("/auth/login");
    assert.equal((await page.form("/auth/login").submit({ email: ANN, password: PASSWORD })).text, "start");
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
  });
});
