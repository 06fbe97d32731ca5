/** The full example as a process: how it starts, restarts, refuses to start, and ends. @module */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it, onTestFinished } from "vitest";
import {
  type Environment,
  type Example,
  freePort,
  newDataDirectory,
  removeDataDirectory,
  runToItsEnd,
  startExample,
} from "./support/example.ts";

const ANN = { email: "ann@example.com", name: "Ann", password: "correct horse battery staple" };

const directory = async (): Promise<string> => {
  const made = await newDataDirectory();
  onTestFinished(() => removeDataDirectory(made));
  return made;
};

const started = async (environment: Environment = {}): Promise<Example> => {
  const example = await startExample({ DATA_DIRECTORY: await directory(), ...environment });
  onTestFinished(async () => {
    await example.end();
  });
  return example;
};

const post = (url: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });

const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");

const getJson = (url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(url, { headers: { accept: "application/json", ...headers } });

describe("the example in development", () => {
  it("says where it is and what to open first, and warns once", async () => {
    const example = await started();
    const lines = example.output().trim().split("\n");
    const demo = /A demo provider to sign in with is at (http:\/\/127\.0\.0\.1:\d+)\./.exec(example.output())?.[1];
    // What the provider's package says of older versions of Node is its own.
    const ours = lines.filter((line) => !line.startsWith("oidc-provider WARNING: Unsupported runtime."));
    assert.deepEqual(ours.toSorted(), [
      `A demo provider to sign in with is at ${demo}.`,
      "Development mode: plain HTTP, secrets from a file, an outbox that shows every mail. Never let others reach it.",
      `First open ${example.url}/auth/register and make an account. Mails are at ${example.url}/dev/outbox.`,
      `Listening at ${example.url}`,
    ]);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("ends cleanly on %s, and cuts no answer short", async (signal) => {
    const example = await started();
    const answer = post(`${example.url}/auth/register`, ANN);
    // The request is under way once another one after it has been answered.
    await fetch(example.url);
    const { code, output } = await example.end(signal);
    assert.equal((await answer).status, 200);
    assert.equal(code, 0);
    assert.match(output, /Stopped\.\n$/);
  });

  it("keeps its secrets to their owner, and secrets, users and sign-ins for the next start", async () => {
    const data = await directory();
    const first = await started({ DATA_DIRECTORY: data });
    const cookie = cookiesOf(await post(`${first.url}/auth/register`, ANN));
    await first.end();
    assert.equal((await stat(join(data, "secrets.json"))).mode & 0o777, 0o600);

    const second = await started({ DATA_DIRECTORY: data });
    assert.equal((await post(`${second.url}/auth/login`, ANN)).status, 200);
    const account = await getJson(`${second.url}/account`, { cookie });
    assert.deepEqual([account.status, (await account.json()).person], [200, { email: ANN.email, name: ANN.name }]);
  });

  it("says so when its port is in use", async () => {
    const { url } = await started();
    const { port } = new URL(url);
    const { code, output } = await runToItsEnd({ CASTELLAN_DEVELOPMENT: "1", PORT: port, DATA_DIRECTORY: await directory() });
    assert.equal(code, 1);
    assert.match(
      output,
      new RegExp(`port ${port} is in use: stop what uses it, or choose another one, for example PORT=${Number(port) + 1}\n$`),
    );
  });

  it("shows the outbox under names of this machine only", async () => {
    const { url } = await started();
    const { port } = new URL(url);
    assert.equal((await getJson(`${url}/dev/outbox`)).status, 200);
    const { request } = await import("node:http");
    const status = await new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, path: "/dev/outbox", headers: { host: `evil.example:${port}` } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once("error", reject)
        .end();
    });
    assert.equal(status, 404);
  });

  it.each([
    [{ DATABASE_URL: "oracle://user:hunter2@db/app" }, /nothing opens oracle:\/\/: there are sqlite:\/\/\/path\/to\/app.db, postgres:\/\//],
    [{ DATABASE_URL: "postgres://user:hunter2@db" }, /names no database/],
    [{ DATABASE_URL: "sqlite://app.db" }, /the whole path, which begins with a slash/],
    [{ PORT: "http" }, /PORT is a number from 1 to 65535, not "http"/],
    [{ NODE_ENV: "production" }, /unset one of them/],
    [{ CASTELLAN_DEVELOPMENT: "true" }, /CASTELLAN_DEVELOPMENT is 1 or not set, not "true"/],
    [{ ROOT_URL: "http://app.example.com" }, /`rootUrl` must begin with https:/],
    [{ CASTELLAN_KEY: "short" }, /`keys\[0\]` must be a text of at least 32 bytes: make one with/],
  ])("refuses to start with %o, and says what would do", async (environment, complaint) => {
    const { code, output } = await runToItsEnd({ CASTELLAN_DEVELOPMENT: "1", DATA_DIRECTORY: await directory(), ...environment });
    assert.equal(code, 1);
    assert.match(output, complaint);
    assert.doesNotMatch(output, /hunter2|\n {4}at /);
  });
});

describe("npm start", () => {
  it("builds, runs the example for development, and ends it when npm is ended", async () => {
    const [port, data] = [await freePort(), await directory()];
    const root = fileURLToPath(new URL("..", import.meta.url));
    const { PATH = "", HOME = "" } = process.env;
    const environment = { PATH, HOME, PORT: String(port), DATA_DIRECTORY: data };
    // A process group of its own, so that nothing of it can be left behind.
    const npm = spawn("npm", ["start"], { cwd: root, env: environment, detached: true, stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => {
      if (npm.pid !== undefined && npm.stdout.readable) process.kill(-npm.pid, "SIGKILL");
    });
    let output = "";
    for await (const chunk of npm.stdout.iterator({ destroyOnReturn: false })) {
      output += chunk;
      if (output.includes("First open")) break;
    }
    assert.match(output, /Building .*\nListening at/s);
    assert.equal((await fetch(`http://localhost:${port}/dev/outbox`)).status, 200);
    npm.kill("SIGTERM");
    // The end of the output is the end of the last process that could write to it.
    for await (const chunk of npm.stdout) output += chunk;
    assert.match(output, /Stopped\.\n$/);
  });
});

describe("the example without the development flag", () => {
  const production = async (): Promise<Environment> => ({
    CASTELLAN_DEVELOPMENT: "",
    ROOT_URL: "https://app.example.com",
    DATABASE_URL: `sqlite://${await directory()}/app.db`,
    CASTELLAN_KEY: "a-key-of-tests-that-nobody-else-may-use",
    SESSION_SECRET: "a-secret-of-tests-that-nobody-else-may-use",
    SMTP_URL: `smtp://127.0.0.1:${await freePort()}`,
    MAIL_FROM: "app@example.com",
    TWILIO_ACCOUNT_SID: `AC${"0".repeat(32)}`,
    TWILIO_AUTH_TOKEN: "a-token-of-tests-that-nobody-else-may-use",
    TWILIO_FROM: "+15005550006",
    SMS_COUNTRIES: "ch, DE",
  });

  it("lists everything that is missing, with the command that makes a secret", async () => {
    const { code, output } = await runToItsEnd({});
    assert.equal(code, 1);
    const missing = [...output.matchAll(/- ([A-Z_]+) is missing: /g)].map(([, name]) => name);
    assert.deepEqual(missing, [
      ...["DATABASE_URL", "ROOT_URL", "SMTP_URL", "MAIL_FROM", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "SMS_COUNTRIES"],
      ...["CASTELLAN_KEY", "SESSION_SECRET"],
    ]);
    assert.match(output, /make one with: node -p "crypto\.randomBytes\(32\)\.toString\('base64url'\)"/);
  });

  it("wants an address that begins with https:", async () => {
    const { code, output } = await runToItsEnd({ ...(await production()), ROOT_URL: "http://localhost:3000" });
    assert.equal(code, 1);
    assert.match(output, /`rootUrl` must begin with https:/);
  });

  it("serves what a proxy brings, with cookies for https only, and has no outbox", async () => {
    const example = await started(await production());
    assert.equal(example.output().includes("Development"), false);
    const registered = await post(`${example.url}/auth/register`, ANN, { "x-forwarded-proto": "https" });
    assert.equal(registered.status, 200);
    const cookie = cookiesOf(registered);
    assert.match(cookie, /(^|; )__Host-castellan-sid=/);
    const account = await getJson(`${example.url}/account`, { cookie, "x-forwarded-for": "192.0.2.7" });
    assert.deepEqual([account.status, (await account.json()).person.email], [200, ANN.email]);
    assert.equal((await getJson(`${example.url}/dev/outbox`)).status, 404);
  });
});
