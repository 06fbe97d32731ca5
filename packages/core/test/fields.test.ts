import { type Body, flagField, named, readFields, secretField, textField } from "@castellan/core";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const bodyOf = (values: Readonly<Record<string, unknown>>): Body => new Map(Object.entries(values));

const fields = {
  login: textField({ label: "l", type: "email", autocomplete: "username" }),
  nickname: textField({ label: "l", required: false }),
  password: secretField({ label: "l", autocomplete: "current-password" }),
  code: secretField({ label: "l", autocomplete: "one-time-code", required: false }),
  remember: flagField({ label: "l" }),
};
const GOOD = { login: "ann@example.com", password: "a password" };

/** What comes of one value of the text field `login`. */
async function ofLogin(login: unknown) {
  const answer = await readFields(fields, bodyOf({ ...GOOD, login }));
  return answer.ok ? answer.values.login : answer.problems;
}

describe("declared fields", () => {
  it("are read under their own names, and everything else in the body is left alone", async () => {
    const answer = await readFields(fields, bodyOf({ ...GOOD, remember: "on", admin: "true", pid: "1" }));
    expect(answer).toEqual({
      ok: true,
      values: { ...GOOD, nickname: null, code: null, remember: true },
      preserved: { login: "ann@example.com", remember: "true" },
    });
  });

  it("may have another name in forms and JSON than in the code", async () => {
    const renamed = { login: textField({ name: "email", label: "l" }) };
    expect(named(renamed).map(([name]) => name)).toEqual(["email"]);
    const answer = await readFields(renamed, bodyOf({ email: "ann", login: "bob" }));
    expect(answer).toEqual({ ok: true, values: { login: "ann" }, preserved: { email: "ann" } });
    const empty = await readFields(renamed, bodyOf({}));
    expect(empty).toMatchObject({ ok: false, problems: [{ field: "email", reason: "required" }] });
  });

  it("all tell their problem at once, each one", async () => {
    const answer = await readFields(fields, bodyOf({ nickname: ["a"], code: {}, remember: "perhaps" }));
    expect(answer).toMatchObject({
      ok: false,
      problems: [
        { field: "login", reason: "required" },
        { field: "nickname", reason: "not_text" },
        { field: "password", reason: "required" },
        { field: "code", reason: "not_text" },
        { field: "remember", reason: "not_a_flag" },
      ],
    });
  });

  it("are not found among what every object has", async () => {
    const odd = { constructor: textField({ label: "l", required: false }), toString: textField({ label: "l", required: false }) };
    expect(await readFields(odd, bodyOf({}))).toMatchObject({ ok: true, values: { constructor: null, toString: null } });
  });
});

describe("a text", () => {
  it.each([
    [["ann@example.com"]],
    [["a", "b"]],
    [[]],
    [{}],
    [{ toString: "x" }],
    [{ $gt: "" }],
    [{ length: 3 }],
    [42],
    [0],
    [Number.NaN],
    [true],
    [false],
    [10n],
    [Symbol("x")],
    [() => "x"],
    [new String("ann")],
    [Buffer.from("ann")],
    [new Date(0)],
  ])("is a string and nothing else: %s", async (value) => {
    expect(await ofLogin(value)).toEqual([{ field: "login", reason: "not_text" }]);
  });

  it.each([[undefined], [null], [""], [" "], [" \t\n\u00a0\u3000"]])("must be filled in where it is required: %j", async (value) => {
    expect(await ofLogin(value)).toEqual([{ field: "login", reason: "required" }]);
  });

  it.each([["\0"], ["ann\0"], ["an\0n@example.com"]])("has no NUL: %j", async (value) => {
    expect(await ofLogin(value)).toEqual([{ field: "login", reason: "not_text" }]);
  });

  it.each([["\ud800"], ["a\udc00b"], ["\udc00\ud800"], ["😀\ud83d"]])("has no half of a character: %j", async (value) => {
    expect(await ofLogin(value)).toEqual([{ field: "login", reason: "not_text" }]);
  });

  it.each([["a\nb"], ["😀"], [" ann "], ["\u0001"], ["\u202e"], ["ﬁ"]])("is otherwise taken exactly as it came: %j", async (value) => {
    expect(await ofLogin(value)).toBe(value);
  });

  it("has at most 1,024 bytes, however many characters they make", async () => {
    const tooLong = [{ field: "login", reason: "too_long" }];
    expect(await ofLogin("a".repeat(1024))).toHaveLength(1024);
    expect(await ofLogin("a".repeat(1025))).toEqual(tooLong);
    expect(await ofLogin("é".repeat(512))).toHaveLength(512);
    expect(await ofLogin(`${"é".repeat(512)}a`)).toEqual(tooLong);
    expect(await ofLogin("😀".repeat(256))).toHaveLength(512);
    expect(await ofLogin("😀".repeat(257))).toEqual(tooLong);
    expect(await ofLogin("\0".repeat(5000))).toEqual(tooLong);
  });

  it("is null where it is not required and nothing came", async () => {
    for (const nickname of [undefined, null, ""]) {
      expect(await readFields(fields, bodyOf({ ...GOOD, nickname }))).toMatchObject({ ok: true, values: { nickname: null } });
    }
  });
});

describe("a secret", () => {
  it("may be of blanks, for a password may, and is taken exactly as it came", async () => {
    for (const password of [" ", "\t", " a ", "pässwörd 🔑"]) {
      expect(await readFields(fields, bodyOf({ ...GOOD, password }))).toMatchObject({ ok: true, values: { password } });
    }
  });

  it("is no array, object, number or text with NUL, and is not too long", async () => {
    for (const password of [["x"], {}, 1234, true, "a\0b", "\ud800"]) {
      const answer = await readFields(fields, bodyOf({ ...GOOD, password }));
      expect(answer).toMatchObject({ ok: false, problems: [{ field: "password", reason: "not_text" }] });
    }
    const answer = await readFields(fields, bodyOf({ ...GOOD, password: "x".repeat(1025) }));
    expect(answer).toMatchObject({ ok: false, problems: [{ field: "password", reason: "too_long" }] });
  });
});

describe("a flag", () => {
  const read = async (remember: unknown) => {
    const answer = await readFields(fields, bodyOf({ ...GOOD, remember }));
    return answer.ok ? answer.values.remember : answer.problems;
  };

  it.each([[true], ["true"], ["on"], ["1"]])("is set by %j", async (value) => {
    expect(await read(value)).toBe(true);
  });

  it.each([[undefined], [null], [false], ["false"], ["off"], ["0"], [""]])("is not set by %j", async (value) => {
    expect(await read(value)).toBe(false);
  });

  it.each([["yes"], ["TRUE"], [" true"], [1], [0], [["on"]], [["on", "on"]], [{}], ["\0"]])(
    "is nothing that %j could mean",
    async (value) => {
      expect(await read(value)).toEqual([{ field: "remember", reason: "not_a_flag" }]);
    },
  );
});

describe("what is shown again after a problem", () => {
  const preserved = async (values: Record<string, unknown>) => (await readFields(fields, bodyOf(values))).preserved;

  it("is text and set flags, beside any problem, and never a secret", async () => {
    expect(await preserved({ login: "ann", nickname: "x", password: "secret", code: "123456", remember: "1" })).toEqual({
      login: "ann",
      nickname: "x",
      remember: "true",
    });
  });

  it("is nothing that was not declared, and nothing of the wrong kind or length", async () => {
    expect(await preserved({ stranger: "x", _csrf: "t", login: ["ann"], nickname: "a".repeat(1025), remember: ["on"] })).toEqual({});
    expect(await preserved({ login: "a\ud800", nickname: { a: 1 }, remember: "off" })).toEqual({});
  });

  it("has no NUL any more", async () => {
    expect(await preserved({ login: "a\0n\0n" })).toEqual({ login: "ann" });
  });

  it("leaves out what its declaration leaves out", async () => {
    const shy = { login: textField({ label: "l", preserve: false }), keep: flagField({ label: "l", preserve: false }) };
    expect((await readFields(shy, bodyOf({ login: "ann", keep: "on" }))).preserved).toEqual({});
  });
});

describe("a schema", () => {
  const readWith = async (schema: NonNullable<Parameters<typeof textField>[0]["schema"]>, name: unknown) =>
    readFields({ name: textField({ label: "l", schema }) }, bodyOf({ name }));

  it("of Zod checks the text, and says what is wrong in its own words", async () => {
    const schema = z.string().min(3, "At least three.");
    expect(await readWith(schema, "ann")).toMatchObject({ ok: true, values: { name: "ann" } });
    expect(await readWith(schema, "an")).toMatchObject({
      ok: false,
      problems: [{ field: "name", reason: "invalid", message: "At least three." }],
      preserved: { name: "an" },
    });
  });

  it("of Valibot does as well", async () => {
    const schema = v.pipe(v.string(), v.regex(/^[a-z]+$/, "Letters only."));
    expect(await readWith(schema, "ann")).toMatchObject({ ok: true, values: { name: "ann" } });
    expect(await readWith(schema, "4nn")).toMatchObject({ problems: [{ field: "name", reason: "invalid", message: "Letters only." }] });
  });

  it("may change the text; what is shown again is what was typed", async () => {
    const zod = z.string().trim().toUpperCase();
    expect(await readWith(zod, " ann ")).toMatchObject({ values: { name: "ANN" }, preserved: { name: " ann " } });
    const valibot = v.pipe(v.string(), v.trim(), v.toUpperCase());
    expect(await readWith(valibot, " ann ")).toMatchObject({ values: { name: "ANN" }, preserved: { name: " ann " } });
  });

  it("may take its time", async () => {
    const zod = z.string().refine(async (name) => Promise.resolve(name !== "taken"), "Taken.");
    expect(await readWith(zod, "free")).toMatchObject({ ok: true, values: { name: "free" } });
    expect(await readWith(zod, "taken")).toMatchObject({ ok: false, problems: [{ message: "Taken." }] });
    const valibot = v.pipeAsync(
      v.string(),
      v.checkAsync(async (name) => Promise.resolve(name !== "taken"), "Taken."),
    );
    expect(await readWith(valibot, "free")).toMatchObject({ ok: true, values: { name: "free" } });
    expect(await readWith(valibot, "taken")).toMatchObject({ ok: false, problems: [{ message: "Taken." }] });
  });

  it("tells its first problem only", async () => {
    const schema = z.string().min(5, "Longer.").regex(/^\d+$/, "Digits.");
    const answer = await readWith(schema, "x");
    expect(answer).toMatchObject({ problems: [{ field: "name", reason: "invalid", message: "Longer." }] });
  });

  it("never sees what is no text, is too long, or is missing", async () => {
    const seen: unknown[] = [];
    const schema = z.string().refine((text) => seen.push(text) > 0);
    for (const value of [undefined, null, "", " ", ["a"], {}, 5, "a\0", "\ud800", "a".repeat(1025)]) await readWith(schema, value);
    expect(seen).toEqual([]);
  });

  it("that fails by itself is not taken for a visitor's mistake", async () => {
    const schema = z.string().refine(() => {
      throw new Error("the database is away");
    });
    await expect(readWith(schema, "ann")).rejects.toThrow("the database is away");
  });

  it("is not asked about a field that may stay empty and does", async () => {
    const optional = { name: textField({ label: "l", required: false, schema: z.string().min(3) }) };
    expect(await readFields(optional, bodyOf({ name: "" }))).toMatchObject({ ok: true, values: { name: null } });
    expect(await readFields(optional, bodyOf({ name: "x" }))).toMatchObject({ ok: false });
  });
});

describe("reading fields", () => {
  it("never throws: either every value is of its kind, or every problem has its field", async () => {
    const body = fc.dictionary(fc.constantFrom("login", "nickname", "password", "code", "remember", "__proto__"), fc.anything());
    await fc.assert(
      fc.asyncProperty(body, async (values) => {
        const answer = await readFields(fields, new Map(Object.entries(values)));
        for (const text of Object.values(answer.preserved)) expect(typeof text).toBe("string");
        expect(answer.preserved).not.toHaveProperty("password");
        if (!answer.ok) {
          for (const { field } of answer.problems) expect(Object.keys(fields)).toContain(field);
          return;
        }
        const { login, nickname, password, code, remember } = answer.values;
        expect([login, password].every((text) => typeof text === "string" && text !== "" && !text.includes("\0"))).toBe(true);
        expect([nickname, code].every((text) => text === null || typeof text === "string")).toBe(true);
        expect(typeof remember).toBe("boolean");
      }),
    );
  });
});
