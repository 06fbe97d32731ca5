/** Sending by Twilio's own package, over the wire, to a server that answers as Twilio's Messages API does. @module */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type TwilioOptions, twilioSender } from "@castellan/sms";
import { listen } from "@castellan/testkit";
import { ConfigError, type SmsSender, seconds } from "castellan";
import { describe, it, onTestFinished } from "vitest";
import { ANN, everythingKept, giveSms, logIn, NUMBER, sendAgain, startApp, validate, verdictOf } from "./support.ts";

const SID = `AC${"0123456789abcdef".repeat(2)}`;
const SERVICE = `MG${"0123456789abcdef".repeat(2)}`;
const KEY = `SK${"0123456789abcdef".repeat(2)}`;
const TOKEN = "the-token-of-the-tests";
const FROM = "+15005550006";

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly form: Readonly<Record<string, string>>;
}

interface FakeTwilio {
  readonly url: string;
  readonly received: Received[];
  /** How the next messages are answered. */
  respond: (res: ServerResponse) => void;
  close(): Promise<void>;
}

const answering =
  (status: number, body: object | string, headers: Readonly<Record<string, string>> = {}) =>
  (res: ServerResponse): void => {
    res.writeHead(status, { "content-type": typeof body === "string" ? "text/html" : "application/json", ...headers });
    res.end(typeof body === "string" ? body : JSON.stringify(body));
  };

const accepted = answering(201, {
  sid: `SM${"0".repeat(32)}`,
  account_sid: SID,
  status: "queued",
  date_created: "Thu, 26 Nov 2026 10:00:00 +0000",
  error_code: null,
});

/** As Twilio answers a message that it does not take. */
const refusing = (status: number, code: number, message: string) =>
  answering(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });

async function fakeTwilio(): Promise<FakeTwilio> {
  const received: Received[] = [];
  const listening = await listen((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString("utf8")));
      received.push({ method: req.method ?? "", path: req.url ?? "", headers: req.headers, form });
      fake.respond(res);
    });
  });
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= listening.close();
    return closing;
  };
  const fake: FakeTwilio = { url: listening.url, received, respond: accepted, close };
  onTestFinished(() => fake.close());
  return fake;
}

const senderTo = (apiUrl: string, more: Partial<TwilioOptions> = {}): SmsSender =>
  // The parts say together who sends.
  twilioSender({ accountSid: SID, authToken: TOKEN, from: FROM, timeout: seconds(5), apiUrl, ...more } as TwilioOptions);

const MESSAGE = { to: NUMBER, text: "123456 is your code for Example. Grüezi\n\n@example.com #123456" };

/** What a failed sending says, all of it. */
async function failureOf(sender: SmsSender): Promise<string> {
  const error: unknown = await sender.send(MESSAGE).then(
    () => assert.fail("it was sent"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  const all = JSON.stringify([error.message, error.stack, error.cause, error]);
  for (const secret of [TOKEN, Buffer.from(`${SID}:${TOKEN}`).toString("base64"), NUMBER.slice(1), "123456 "])
    assert.ok(!all.includes(secret), secret);
  return error.message;
}

describe("a message by Twilio", () => {
  it("is posted to the account, with its password, from its number", async () => {
    const fake = await fakeTwilio();
    await senderTo(fake.url).send(MESSAGE);
    const [post, ...more] = fake.received;
    assert.deepEqual([post?.method, post?.path, more], ["POST", `/2010-04-01/Accounts/${SID}/Messages.json`, []]);
    assert.deepEqual(post?.form, { To: NUMBER, From: FROM, Body: MESSAGE.text });
    assert.equal(post?.headers.authorization, `Basic ${Buffer.from(`${SID}:${TOKEN}`).toString("base64")}`);
    assert.match(post?.headers["user-agent"] ?? "", /^twilio-node\/6\./);
  });

  it("may come from a messaging service, and by an API key", async () => {
    const fake = await fakeTwilio();
    await twilioSender({ accountSid: SID, apiKey: KEY, authToken: TOKEN, messagingServiceSid: SERVICE, apiUrl: fake.url }).send(MESSAGE);
    const [post] = fake.received;
    assert.equal(post?.path, `/2010-04-01/Accounts/${SID}/Messages.json`);
    assert.deepEqual(post?.form, { To: NUMBER, MessagingServiceSid: SERVICE, Body: MESSAGE.text });
    assert.equal(post?.headers.authorization, `Basic ${Buffer.from(`${KEY}:${TOKEN}`).toString("base64")}`);
  });

  it("that is not taken says Twilio's figures, and none of its words: they quote the number", async () => {
    const fake = await fakeTwilio();
    const sender = senderTo(fake.url);
    const cases = [
      [refusing(400, 21211, `The 'To' number ${NUMBER} is not a valid phone number.`), /error 21211 \(https:\S+21211\), HTTP status 400/],
      [refusing(400, 21610, `Attempt to send to unsubscribed recipient ${NUMBER}`), /error 21610 .*HTTP status 400/],
      [refusing(401, 20003, `Authenticate with ${TOKEN}`), /error 20003 .*HTTP status 401/],
      [refusing(429, 20429, "Too Many Requests"), /error 20429 .*HTTP status 429/],
      [answering(500, "<h1>Internal Server Error</h1>"), /HTTP status 500/],
      [answering(503, ""), /HTTP status 503/],
      [answering(302, "", { location: "https://elsewhere.example/" }), /HTTP status 302/],
    ] as const;
    for (const [respond, said] of cases) {
      fake.respond = respond;
      assert.match(await failureOf(sender), said);
    }
    // Each was tried once: nothing is sent twice, and nobody is led elsewhere.
    assert.equal(fake.received.length, cases.length);
    fake.respond = accepted;
    await sender.send(MESSAGE);
  });

  it("is given up when Twilio does not answer, breaks off, or is not there", async () => {
    const fake = await fakeTwilio();
    fake.respond = () => {};
    assert.match(await failureOf(senderTo(fake.url, { timeout: seconds(0.1) })), /could not be reached: (?:ECONNABORTED|ETIMEDOUT)/);
    fake.respond = (res) => void res.destroy();
    assert.match(await failureOf(senderTo(fake.url)), /could not be reached: ECONNRESET/);
    await fake.close();
    assert.match(await failureOf(senderTo(fake.url)), /could not be reached: ECONNREFUSED/);
  });

  it("signs people in, and its failures are 503 and in the log, without password, code or number", async () => {
    const fake = await fakeTwilio();
    const limits = { "sms/number": { max: 10, per: seconds(1) }, "sms/account": { max: 10, per: seconds(1) } };
    const app = await startApp({ sender: senderTo(fake.url), gate: { limits } });
    await giveSms(app);
    const browser = app.browser();
    fake.respond = refusing(400, 21610, `Attempt to send to unsubscribed recipient ${NUMBER}`);
    assert.equal(verdictOf(await logIn(browser, ANN)), "200 sms_failed");
    assert.equal(verdictOf(await sendAgain(browser)), "503 sms_failed");
    fake.respond = accepted;
    assert.equal(verdictOf(await sendAgain(browser)), "200 sms_sent");
    const code = fake.received.at(-1)?.form["Body"]?.slice(0, 6) ?? "";
    assert.equal(verdictOf(await validate(browser, code)), "200 signed_in");
    const { log } = everythingKept(app);
    assert.match(log, /error 21610/);
    for (const secret of [TOKEN, NUMBER.slice(1), code]) assert.ok(!log.includes(secret), secret);
  });
});

describe("the sender", () => {
  it("does not load Twilio's package before the first message", async () => {
    const script = `
      const { twilioSender } = await import("@castellan/sms");
      const { createRequire } = await import("node:module");
      const sender = twilioSender(${JSON.stringify({ accountSid: SID, authToken: TOKEN, from: FROM, apiUrl: "http://127.0.0.1:1" })});
      const loaded = () => Object.keys(createRequire(import.meta.url).cache ?? {}).some((path) => path.includes("/node_modules/twilio/"));
      const before = loaded();
      await sender.send({ to: "+41791234567", text: "x" }).catch(() => {});
      console.log(JSON.stringify([before, loaded(), sender.problem ?? null]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { cwd: import.meta.dirname });
    assert.deepEqual(JSON.parse(stdout), [false, true, null]);
  });

  it("says what to install where Twilio's package is missing, and the gate does not start then", async () => {
    // Only what the package itself depends on, in a folder of its own.
    const folder = await mkdtemp(join(tmpdir(), "castellan-sms-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const packages = fileURLToPath(new URL("../../", import.meta.url));
    await mkdir(join(folder, "node_modules/@castellan"), { recursive: true });
    for (const name of ["core", "twofactor", "sms"]) await symlink(join(packages, name), join(folder, "node_modules/@castellan", name));
    const script = `
      const { twilioSender } = await import("@castellan/sms");
      const sender = twilioSender(${JSON.stringify({ accountSid: SID, authToken: TOKEN, from: FROM })});
      console.log(JSON.stringify([sender.problem ?? null, await sender.send({ to: "+41791234567", text: "x" }).then(() => "sent", (error) => error.code)]));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--preserve-symlinks", "--input-type=module", "-e", script], {
      cwd: folder,
    });
    assert.deepEqual(JSON.parse(stdout), ["twilioSender needs the package twilio: npm install twilio", "ERR_MODULE_NOT_FOUND"]);
    const sender = { problem: "twilioSender needs the package twilio: npm install twilio", send: async () => {} };
    await assert.rejects(startApp({ sender }), /npm install twilio/);
  });

  it("refuses options that cannot work, all at once", () => {
    const problems = (options: object): readonly string[] => {
      try {
        // Plain JavaScript can hand in anything.
        twilioSender(options as TwilioOptions);
        return [];
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        return error.problems;
      }
    };
    const good = { accountSid: SID, authToken: TOKEN, from: FROM };
    assert.deepEqual(problems(good), []);
    for (const from of ["Example", "12345", "My Shop 24"]) assert.deepEqual(problems({ ...good, from }), [], from);
    assert.equal(problems({}).length, 3);
    assert.equal(problems({ ...good, messagingServiceSid: SERVICE }).length, 1);
    for (const wrong of [
      { accountSid: KEY },
      { authToken: "" },
      { apiKey: SID },
      { from: "A name that is too long" },
      { from: "+41 79" },
      { from: undefined, messagingServiceSid: SID },
      { timeout: 0 },
      { apiUrl: "http://api.example.com" },
      { apiUrl: "https://api.example.com/" },
      { apiUrl: "ftp://127.0.0.1" },
    ]) {
      assert.equal(problems({ ...good, ...wrong }).length, 1, JSON.stringify(wrong));
    }
    assert.ok(!problems({ ...good, accountSid: TOKEN }).some((problem) => problem.includes(TOKEN)));
  });
});
