import { jsonLogger, type LogFields, type Logger, redacting } from "@castellan/core";
import { manualClock } from "@castellan/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

/** What a redacting logger writes, as lines of JSON. */
function written(message: string, fields?: LogFields, level: keyof Logger = "info"): string {
  const lines: string[] = [];
  redacting(jsonLogger((line) => lines.push(line), manualClock()))[level](message, fields);
  expect(lines).toHaveLength(1);
  return lines[0] ?? "";
}

const fieldsOf = (fields: LogFields): Record<string, unknown> => {
  const { time, level, message, ...rest } = JSON.parse(written("m", fields));
  return rest;
};

describe("a line of the log", () => {
  it("is one line of JSON with time, level and message", () => {
    expect(written("a request failed", { status: 503 }, "error")).toBe(
      '{"time":"2026-01-01T00:00:00.000Z","level":"error","message":"a request failed","status":503}\n',
    );
    for (const level of ["info", "warn", "error"] as const) expect(JSON.parse(written("m", undefined, level))).toMatchObject({ level });
  });

  it.each([
    "x\nINFO login ok user=admin",
    'x\r\n{"level":"info"}',
    "x\u2028y\u2029z",
    "\u001b[2J\u001b[1;1H",
    "\u009b31m",
    "\u0000\u0007\u0008\u007f\u0085\u0090",
    "\tx\vy\fz",
  ])("cannot be forged, split or made to steer a terminal by what a visitor typed (R147): %j", (typed) => {
    const line = written(typed, { login: typed, nested: { agent: [typed] }, [typed]: "x" });
    expect(line).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+\n$/);
    const values = JSON.stringify(Object.values(JSON.parse(line)));
    // Read back from the JSON, the signs are still spelt out: a viewer that prints fields is safe as well.
    expect(JSON.parse(line).login).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/);
    expect(values).toMatch(/\\\\u[0-9a-f]{4}/);
  });

  it("is of bounded length, whatever a visitor typed (R147)", () => {
    const line = written("m".repeat(10_000), { login: "x".repeat(1_000_000), list: Array<string>(1000).fill("y".repeat(10_000)) });
    expect(JSON.parse(line).login).toBe(`${"x".repeat(500)}…`);
    expect(JSON.parse(line).list).toHaveLength(20);
    expect(line.length).toBeLessThan(15_000);
    expect(written("\u0001".repeat(10_000)).length).toBeLessThan(5_000);
  });

  it("says what is harmless as it is", () => {
    const fields = {
      status: 200,
      ok: true,
      none: null,
      path: "/auth/login",
      who: "ann@example.com",
      at: new Date(0),
      list: [1, "a", { b: "c" }],
    };
    expect(fieldsOf(fields)).toEqual({ ...fields, at: "1970-01-01T00:00:00.000Z" });
  });
});

describe("a secret", () => {
  it.each([
    "password",
    "Password",
    "newPassword",
    "passwordHash",
    "pass",
    "passphrase",
    "secret",
    "clientSecret",
    "token",
    "accessToken",
    "csrfToken",
    "_csrf",
    "code",
    "recoveryCodes",
    "cookie",
    "Set-Cookie",
    "authorization",
    "Authorization",
    "hash",
    "otp",
    "totp",
    "key",
    "apiKey",
    "keys",
    "session",
    "sessionId",
  ])("is known by the name of its field, at every depth and of every kind: %s", (name) => {
    const secret = "hunter2";
    for (const value of [secret, [secret], { inner: secret }, { a: { b: secret } }, Buffer.from(secret)]) {
      const fields = { [name]: value, nested: { [name]: value, list: [{ [name]: value }] } };
      expect(written("m", fields)).not.toContain(secret);
      expect(fieldsOf(fields)).toEqual({ [name]: "[redacted]", nested: { [name]: "[redacted]", list: [{ [name]: "[redacted]" }] } });
    }
  });

  it("is not spelt out as bytes, whatever its field is called", () => {
    expect(fieldsOf({ body: Buffer.from("hunter2"), more: new Uint8Array(3), view: new DataView(new ArrayBuffer(4)) })).toEqual({
      body: "[7 bytes]",
      more: "[3 bytes]",
      view: "[4 bytes]",
    });
  });

  it("does not come back by the object's own way of writing itself", () => {
    class Account {
      readonly login = "ann";
      readonly #password = "hunter2";
      toJSON() {
        return { password: this.#password };
      }
    }
    expect(fieldsOf({ account: new Account() })).toEqual({ account: { login: "ann" } });
  });
});

describe("an error", () => {
  it("is told by name, message, places in the code, and cause", () => {
    const error = new TypeError("broken\nline", { cause: new Error("deeper", { cause: "the bottom" }) });
    const { error: told } = fieldsOf({ error });
    expect(told).toMatchObject({ name: "TypeError", message: "broken\\u000aline", cause: { message: "deeper", cause: "the bottom" } });
    expect(told).toHaveProperty("frames", expect.arrayContaining([expect.stringMatching(/^at /)]));
  });

  it("does not tell what else hangs on it: drivers put queries and values there", () => {
    const error = Object.assign(new Error("duplicate"), { parameters: ["hunter2"], query: "INSERT hunter2", detail: "hunter2" });
    expect(written("m", { error })).not.toContain("hunter2");
  });

  it("does not tell its message again through the stack", () => {
    const error = new Error("first\n    at hunter2\nlast");
    const told = fieldsOf({ error })["error"];
    expect(JSON.stringify(Reflect.get(Object(told), "frames"))).not.toContain("first");
  });

  it("that causes itself does not go on for ever", () => {
    const error = new Error("round");
    error.cause = error;
    expect(written("m", { error }).length).toBeLessThan(20_000);
  });

  it("does not make the log throw, whatever somebody put in place of its parts", () => {
    for (const part of ["name", "message", "stack", "cause"]) {
      for (const value of [undefined, null, 42, { a: 1 }, ["x"], 10n, Symbol("x"), () => "x"]) {
        const error = new Error("m");
        Object.defineProperty(error, part, { value });
        expect(() => written("m", { error }), `${part} ${String(value)}`).not.toThrow();
      }
    }
    expect(() => written("m", { error: Object.create(Error.prototype) })).not.toThrow();
    expect(() => written("m", { error: new AggregateError([new Error("a")], "several") })).not.toThrow();
    expect(() => written("m", { error: new DOMException("x", "AbortError") })).not.toThrow();
  });
});

describe("a log", () => {
  it("takes an object that holds itself, and one that is very deep", () => {
    const round: Record<string, unknown> = { name: "round" };
    round["self"] = round;
    round["list"] = [round, [round]];
    expect(fieldsOf(round)).toHaveProperty("self");
    let deep: Record<string, unknown> = {};
    for (const _ of Array(10_000)) deep = { deep };
    expect(fieldsOf(deep)).toEqual({ deep: { deep: { deep: { deep: { deep: "…" } } } } });
    let list: unknown[] = [];
    for (const _ of Array(10_000)) list = [list];
    expect(written("m", { list })).toContain("…");
  });

  it("takes numbers that JSON has no room for", () => {
    expect(fieldsOf({ rows: 12345678901234567890n, list: [1n], nan: Number.NaN })).toEqual({
      rows: "12345678901234567890",
      list: ["1"],
      nan: null,
    });
    expect(() => written("m", { at: new Date(Number.NaN), f: () => 1, s: Symbol("x"), u: undefined })).not.toThrow();
  });

  it("never throws, and always writes one line of JSON", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.dictionary(fc.string(), fc.anything({ maxDepth: 2, maxKeys: 4, withBigInt: true, withDate: true })),
        (message, fields) => {
          expect(written(message, fields)).toMatch(/^\{[^\n]*\}\n$/);
        },
      ),
    );
  });
});
