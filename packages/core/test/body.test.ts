import { type IncomingMessage, request } from "node:http";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { listen } from "@castellan/testkit";
import express, { type Express, type RequestHandler } from "express";
import { describe, expect, it, onTestFinished } from "vitest";
import { readBody } from "../dist/http/body.js";

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
const KIB = 1024;

type Seen = Readonly<Record<string, unknown>> | { readonly fault: number };

/** An application that says what `readBody` made of each request, behind whatever other middleware is given. */
async function reader(...before: readonly RequestHandler[]) {
  const app: Express = express();
  for (const handler of before) app.use(handler);
  app.use(async (req, res) => {
    const answer = await readBody(req);
    if ("fault" in answer) res.setHeader("connection", "close");
    res.json("fault" in answer ? { fault: answer.fault } : { entries: [...answer.body] });
  });
  const server = await listen(app);
  onTestFinished(() => server.close());
  return server.url;
}

interface Sent {
  readonly body?: string | Uint8Array;
  readonly type?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  /** Sends it in these pieces, chunked. */
  readonly pieces?: readonly (string | Uint8Array)[];
}

/** What a reader makes of a request: the fields, or the status of the fault. */
async function seenBy(url: string, { body, type = FORM, headers = {}, method = "POST", pieces }: Sent): Promise<Seen> {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const sent = request(url, {
    method,
    headers: { ...(type !== null && { "content-type": type }), ...(pieces ? { "transfer-encoding": "chunked" } : length), ...headers },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => sent.once("response", resolve).once("error", reject));
  for (const piece of pieces ?? []) sent.write(piece);
  sent.end(body);
  const chunks: Buffer[] = [];
  for await (const chunk of await answered) chunks.push(Buffer.from(chunk));
  const answer = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  if (answer.fault) return { fault: answer.fault.status };
  return Object.fromEntries(answer.entries);
}

const seen = async (sent: Sent): Promise<Seen> => seenBy(await reader(), sent);
const form = (body: string | Uint8Array, type = FORM): Promise<Seen> => seen({ body, type });
const json = (body: string | Uint8Array, type = JSON_TYPE): Promise<Seen> => seen({ body, type });

const MALFORMED = { fault: 400 };
const TOO_LARGE = { fault: 413 };
const UNSUPPORTED = { fault: 415 };

describe("the type of a body", () => {
  it.each([[FORM], [`${FORM}; charset=utf-8`], [`${FORM};charset="UTF-8"`], ["Application/X-WWW-Form-URLEncoded"], [` ${FORM} `]])(
    "may be a form: %s",
    async (type) => {
      expect(await form("a=1", type)).toEqual({ a: "1" });
    },
  );

  it.each([[JSON_TYPE], [`${JSON_TYPE}; charset=utf-8`], ["APPLICATION/JSON"]])("may be JSON: %s", async (type) => {
    expect(await json('{"a":"1"}', type)).toEqual({ a: "1" });
  });

  it.each([
    ["text/plain"],
    ["text/plain; charset=utf-8"],
    ["text/plain;application/json"],
    ["multipart/form-data; boundary=x"],
    ["text/html"],
    ["application/octet-stream"],
    ["application/xml"],
  ])("is nothing that a foreign form could send in its place (R81): %s", async (type) => {
    expect(await form("a=1", type)).toEqual(UNSUPPORTED);
    expect(await json('{"a":"1"}', type)).toEqual(UNSUPPORTED);
  });

  it.each([
    [null],
    [""],
    [";"],
    ["/"],
    ["*/*"],
    ["application/*"],
    ["json"],
    [`${FORM}+json`],
    [`${JSON_TYPE}+x`],
    ["application/jsonp"],
    ["application/vnd.api+json"],
    ["text/json"],
    [`${JSON_TYPE}, text/plain`],
    [`text/plain, ${JSON_TYPE}`],
    ["application /json"],
    ["application/json x"],
    ["x-application/json"],
  ])("is not guessed where it is missing, odd or ambiguous (R83): %s", async (type) => {
    expect(await seen({ body: '{"a":"1"}', type })).toEqual(UNSUPPORTED);
    expect(await seen({ body: "a=1", type })).toEqual(UNSUPPORTED);
  });
});

describe("no body", () => {
  it("is an empty one, of whatever type", async () => {
    for (const type of [null, FORM, JSON_TYPE, "text/plain"]) {
      expect(await seen({ type })).toEqual({});
      expect(await seen({ type, body: "" })).toEqual({});
      expect(await seen({ type, method: "DELETE" })).toEqual({});
    }
  });

  it("is an empty form where a form of no length comes in chunks", async () => {
    expect(await seen({ pieces: [] })).toEqual({});
    expect(await seen({ pieces: [], type: JSON_TYPE })).toEqual(MALFORMED);
    expect(await seen({ pieces: [], type: null })).toEqual(UNSUPPORTED);
  });
});

describe("a form", () => {
  it.each([
    ["a=1&b=2", { a: "1", b: "2" }],
    ["a=b+c%20d%2B", { a: "b c d+" }],
    ["a", { a: "" }],
    ["a=", { a: "" }],
    ["=x", { "": "x" }],
    ["a=b=c", { a: "b=c" }],
    ["&&a=1&", { a: "1" }],
    ["a;b=1", { "a;b": "1" }],
    ["a[b]=1&a.c=2", { "a[b]": "1", "a.c": "2" }],
    ["n%C3%A4me=%F0%9F%94%91", { näme: "🔑" }],
    ["a=é", { a: "é" }],
    ["a=%00", { a: "\0" }],
    ["a=%0d%0a", { a: "\r\n" }],
  ])("is read to the letter: %s", async (body, fields) => {
    expect(await form(body)).toEqual(fields);
  });

  it("keeps a field that comes more than once as a list, which no text field takes", async () => {
    expect(await form("a=1&a=2")).toEqual({ a: ["1", "2"] });
    expect(await form("a=1&b=x&a=2&a=3&%61=4")).toEqual({ a: ["1", "2", "3", "4"], b: "x" });
  });

  it.each(["a=%", "a=%2", "a=%zz", "%=1", "a=%u0041", "a=1&b=%e", "%g1=1"])("with a broken escape is refused: %s", async (body) => {
    expect(await form(body)).toEqual(MALFORMED);
  });

  it.each(["a=%ff", "a=%c0%af", "a=%c3", "a=%ed%a0%80", "a=%f5%80%80%80", "a=%80", "a=%e2%82"])(
    "with escapes that are no UTF-8 is refused: %s",
    async (body) => {
      expect(await form(body)).toEqual(MALFORMED);
    },
  );

  it.each([[[0xff]], [[0xc0, 0xaf]], [[0xc3]], [[0xed, 0xa0, 0x80]]])("with bytes that are no UTF-8 is refused: %j", async (bytes) => {
    expect(await form(Buffer.from([0x61, 0x3d, ...bytes]))).toEqual(MALFORMED);
  });

  it("does not lose the mark in front of its bytes: the first name is then another one", async () => {
    expect(await form("\ufeffa=1")).toEqual({ "\ufeffa": "1" });
  });

  it("has at most 50 fields, a field that comes twice counted twice", async () => {
    const pairs = (count: number) => Array.from({ length: count }, (_, index) => `f${index}=1`).join("&");
    expect(Object.keys(await form(pairs(50)))).toHaveLength(50);
    expect(await form(pairs(51))).toEqual(MALFORMED);
    expect(await form("a=1&".repeat(51))).toEqual(MALFORMED);
  });

  it("changes no prototype, whatever its fields are called", async () => {
    const entries = ["__proto__", "constructor", "toString", "hasOwnProperty"].map((name) => `${name}=x`).join("&");
    const answer = await form(`${entries}&__proto__[admin]=1`);
    expect(Object.keys(answer)).toEqual(["__proto__", "constructor", "toString", "hasOwnProperty", "__proto__[admin]"]);
    expect(Reflect.get({}, "admin")).toBeUndefined();
  });
});

describe("JSON", () => {
  it.each([
    ["{}", {}],
    [' {"a" : "1"} \n', { a: "1" }],
    ['{"a":1,"b":true,"c":null,"d":[1],"e":{"f":"g"}}', { a: 1, b: true, c: null, d: [1], e: { f: "g" } }],
    ['{"":"x"}', { "": "x" }],
    ['{"a":":,{}[]\\"\\\\"}', { a: ':,{}[]"\\' }],
    ['{"a\\":b":"x","c":["\\"",":"]}', { 'a":b': "x", c: ['"', ":"] }],
    ['{"\\u0061":"x"}', { a: "x" }],
    ['{"a":[{"x":1},{"x":2}],"b":{"a":1}}', { a: [{ x: 1 }, { x: 2 }], b: { a: 1 } }],
  ])("of one object is read, whatever its values are: %s", async (body, fields) => {
    expect(await json(body)).toEqual(fields);
  });

  it.each([
    "",
    " ",
    "null",
    "1",
    '"a"',
    "true",
    "[]",
    '[{"a":1}]',
    "{",
    '{"a":1',
    "{'a':1}",
    "{a:1}",
    '{"a":1,}',
    '{"a":1} x',
    '{"a":1}{"b":2}',
    '{"a":undefined}',
    '{"a":NaN}',
    '{"a":"\n"}',
    '{"a":"\\x41"}',
    '{"a":1}//',
    "a=1",
    '\ufeff{"a":1}',
  ])("that is no object, or broken, is refused: %j", async (body) => {
    expect(await seen({ type: JSON_TYPE, pieces: body === "" ? [] : [body] })).toEqual(MALFORMED);
  });

  it.each([
    '{"a":1,"a":1}',
    '{"a":"good","a":"evil"}',
    '{"a":1,"\\u0061":2}',
    '{"\\u0061":1,"\\u0061":2}',
    '{"a":1,"b":2,"a":3}',
    '{"a":{"x":1},"a":{"x":1}}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a\\"":1,"a\\u0022":2}',
    '{"é":1,"\\u00e9":2}',
  ])("that names a field twice, however it is spelt, is refused: %s", async (body) => {
    expect(await json(body)).toEqual(MALFORMED);
  });

  it("may name twice what is deep within a value, which no text field takes anyway", async () => {
    expect(await json('{"a":{"x":1,"x":2},"b":[{"y":1,"y":2}]}')).toEqual({ a: { x: 2 }, b: [{ y: 2 }] });
  });

  it("that is no UTF-8 is refused", async () => {
    expect(await json(Buffer.from('{"a":"\xff"}', "latin1"))).toEqual(MALFORMED);
    expect(await json(Buffer.from('{"a":"x"}', "utf16le"))).toEqual(MALFORMED);
    expect(await json(Buffer.from('{"a":"é"}', "latin1"), `${JSON_TYPE}; charset=latin1`)).toEqual(MALFORMED);
  });

  it("has at most 50 fields", async () => {
    const fields = (count: number) => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, "1"])));
    expect(Object.keys(await json(fields(50)))).toHaveLength(50);
    expect(await json(fields(51))).toEqual(MALFORMED);
  });

  it("changes no prototype, whatever its fields are called", async () => {
    const answer = await json('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":"x"}');
    expect(Object.keys(answer)).toEqual(["__proto__", "constructor", "toString"]);
    expect(Reflect.get({}, "admin")).toBeUndefined();
  });

  it("may be as deep as 16 KiB allow", async () => {
    const depth = 8000;
    expect(await json(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`)).toHaveProperty("a");
    expect(await json(`{"a":${"[".repeat(16_000)}`)).toEqual(MALFORMED);
  });
});

describe("the length of a body", () => {
  it("is at most 16 KiB", async () => {
    expect(await form(`a=${"x".repeat(16 * KIB - 2)}`)).toEqual({ a: "x".repeat(16 * KIB - 2) });
    expect(await form(`a=${"x".repeat(16 * KIB - 1)}`)).toEqual(TOO_LARGE);
    expect(await json(`{"a":"${"x".repeat(16 * KIB - 8)}"}`)).toHaveProperty("a");
    expect(await json(`{"a":"${"x".repeat(16 * KIB - 7)}"}`)).toEqual(TOO_LARGE);
  });

  it("is told to a client that sends a megabyte, or several and without saying how many", async () => {
    expect(await form("x".repeat(KIB * KIB))).toEqual(TOO_LARGE);
    expect(await seen({ pieces: Array<string>(20).fill("x".repeat(50 * KIB)) })).toEqual(TOO_LARGE);
  });

  it("is counted in chunks too, wherever they are cut", async () => {
    const bytes = Buffer.from("näme=%F0%9F%94%91🔑");
    expect(await seen({ pieces: [...bytes].map((byte) => Buffer.from([byte])) })).toEqual({ näme: "🔑🔑" });
    expect(await seen({ pieces: Array<string>(16).fill("x".repeat(KIB)) })).toHaveProperty("x".repeat(16 * KIB));
    expect(await seen({ pieces: [...Array<string>(16).fill("x".repeat(KIB)), "x"] })).toEqual(TOO_LARGE);
  });

  it("cannot be hidden by compression: a packed body is not unpacked", async () => {
    for (const [encoding, body] of [
      ["gzip", gzipSync("a=1")],
      ["br", brotliCompressSync("a=1")],
      ["GZIP", gzipSync("a=1")],
      ["identity, gzip", gzipSync("a=1")],
      ["unheard-of", Buffer.from("a=1")],
    ] as const) {
      expect(await seen({ body, headers: { "content-encoding": encoding } }), encoding).toEqual(UNSUPPORTED);
    }
    expect(await seen({ body: "a=1", headers: { "content-encoding": "identity" } })).toEqual({ a: "1" });
  });
});

describe("a body that somebody parsed before", () => {
  it("as an object is taken as it is, whichever parser it was", async () => {
    for (const extended of [true, false]) {
      const url = await reader(express.json(), express.urlencoded({ extended }));
      expect(await seenBy(url, { body: "a=1&b=2" })).toEqual({ a: "1", b: "2" });
      expect(await seenBy(url, { body: "a=1&a=2" })).toEqual({ a: ["1", "2"] });
      expect(await seenBy(url, { body: '{"a":"1"}', type: JSON_TYPE })).toEqual({ a: "1" });
    }
  });

  it("as nested values is left nested, which no text field takes", async () => {
    const url = await reader(express.urlencoded({ extended: true }));
    expect(await seenBy(url, { body: "a[b]=1" })).toEqual({ a: { b: "1" } });
  });

  it("as text or bytes is parsed as strictly as by ourselves", async () => {
    for (const parser of [express.text({ type: "*/*", limit: "1mb" }), express.raw({ type: "*/*", limit: "1mb" })]) {
      const url = await reader(parser);
      expect(await seenBy(url, { body: "a=1" })).toEqual({ a: "1" });
      expect(await seenBy(url, { body: '{"a":"1"}', type: JSON_TYPE })).toEqual({ a: "1" });
      expect(await seenBy(url, { body: '{"a":1,"a":2}', type: JSON_TYPE })).toEqual(MALFORMED);
      expect(await seenBy(url, { body: "a=%zz" })).toEqual(MALFORMED);
      expect(await seenBy(url, { body: `a=${"x".repeat(16 * KIB)}` })).toEqual(TOO_LARGE);
    }
  });

  it("and unpacked is taken", async () => {
    const url = await reader(express.urlencoded({ extended: false }));
    expect(await seenBy(url, { body: gzipSync("a=1"), headers: { "content-encoding": "gzip" } })).toEqual({ a: "1" });
  });

  it("has no more fields than any other, and is one object", async () => {
    const url = await reader(express.json({ strict: false }));
    const many = JSON.stringify(Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, "1"])));
    expect(await seenBy(url, { body: many, type: JSON_TYPE })).toEqual(MALFORMED);
    for (const body of ["[1]", "null", "7", '"7"']) expect(await seenBy(url, { body, type: JSON_TYPE }), body).toEqual(MALFORMED);
  });

  it("changes no prototype", async () => {
    const url = await reader(express.json());
    const answer = await seenBy(url, { body: '{"__proto__":{"admin":true}}', type: JSON_TYPE });
    expect(Object.keys(answer)).toEqual(["__proto__"]);
    expect(Reflect.get({}, "admin")).toBeUndefined();
  });

  it("and is lost is malformed, not an endless wait", async () => {
    const url = await reader((req, _res, next) => void req.resume().on("end", next));
    expect(await seenBy(url, { body: "a=1" })).toEqual(MALFORMED);
  });

  it("is of an accepted type all the same", async () => {
    const url = await reader(express.text({ type: "*/*" }), express.json({ type: "*/*" }));
    expect(await seenBy(url, { body: '{"a":"1"}', type: "text/plain" })).toEqual(UNSUPPORTED);
  });

  it("is read by us when the parsers left it alone", async () => {
    const url = await reader(express.json(), express.urlencoded({ extended: false, type: "text/x-other" }));
    expect(await seenBy(url, { body: "a=1" })).toEqual({ a: "1" });
    expect(await seenBy(url, { body: "" })).toEqual({});
  });
});
