/** Registration and recovery with a real mail server, and with one that is away, hangs, or takes only some mails. @module */
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { type Mailer, minutes, seconds } from "castellan";
import type { SMTPServerOptions } from "smtp-server";
import { describe, it, onTestFinished } from "vitest";
import { mailServer } from "../packages/defaults/test/mail-server.ts";
import { ANN, BOB, mailerFor, newFile, OTHER_PASSWORD, PASSWORD, registerAs, startMailing, tokenIn } from "./support/mails.ts";

async function serve(options?: SMTPServerOptions, port?: number) {
  const server = await mailServer(options, port);
  onTestFinished(() => server.close());
  return server;
}

/** A port of this machine at which nobody listens. */
async function deadPort(): Promise<number> {
  const server = await mailServer();
  await server.close();
  return server.port;
}

const withPassword: SMTPServerOptions = {
  authOptional: false,
  onAuth: ({ username, password }, _session, callback) =>
    password === "p@ss/word" ? callback(null, { user: username }) : callback(new Error("wrong password")),
};

describe("a real mail server", () => {
  it("gets the mails of a registration and a recovery over STARTTLS with a password, and their links work", async () => {
    const server = await serve(withPassword);
    const app = await startMailing({ mailer: mailerFor(server.port, { user: "gate", password: "p@ss/word" }) });
    await registerAs(app, ANN);
    await app.gate.deliverMails();
    const [confirmation] = server.taken;
    assert.ok(confirmation?.overTls && confirmation.user === "gate");
    assert.deepEqual([confirmation.sender, confirmation.recipients], ["no-reply@app.example.test", [ANN]]);
    const { parsed } = confirmation;
    assert.deepEqual([parsed.from, parsed.subject], [{ name: "The gate", address: "no-reply@app.example.test" }, "Confirm your address"]);
    assert.equal(tokenIn(parsed.html), tokenIn(parsed.text), "text and HTML have the same link");
    assert.match(parsed.messageId ?? "", /^<[\w-]{22}@app\.example\.test>$/);
    assert.equal((await app.post("/auth/confirm", { token: tokenIn(parsed.text) })).status, 200);

    await app.post("/auth/recover", { email: ANN });
    await app.gate.deliverMails();
    const token = tokenIn(server.taken[1]?.parsed.text);
    assert.equal((await app.post("/auth/recover/end", { token, password: OTHER_PASSWORD })).status, 200);
    await app.gate.deliverMails();
    assert.equal(server.taken[2]?.parsed.subject, "Your password was changed");
    assert.equal((await app.post("/auth/login", { email: ANN, password: OTHER_PASSWORD })).status, 200);
    assert.equal(server.connections() <= 2, true);
  });
});

describe("F16 while the mail server is away", () => {
  it("registration, another mail and recovery are answered as ever, and the mails arrive when it is back", async () => {
    const port = await deadPort();
    const app = await startMailing({ mailer: mailerFor(port) });
    const up = await startMailing({ mailer: { send: async () => {} } });
    for (const [path, body] of [
      ["/auth/register", { email: ANN, password: PASSWORD }],
      ["/auth/register", { email: ANN, password: PASSWORD }],
      ["/auth/recover", { email: ANN }],
      ["/auth/recover", { email: "nobody@example.com" }],
      ["/auth/confirm/resend", { email: ANN }],
    ] as const) {
      const [away, usual] = [await app.post(path, body), await up.post(path, body)];
      assert.deepEqual([away.status, away.text.replace(/[\w-]{86}/, "")], [usual.status, usual.text.replace(/[\w-]{86}/, "")], path);
    }
    await app.gate.deliverMails();
    assert.ok(app.log.length > 0 && !JSON.stringify(app.log).includes(ANN) && !/[\w-]{64}/.test(JSON.stringify(app.log)));
    const server = await serve({}, port);
    app.clock.advance(seconds(30));
    await app.gate.deliverMails();
    assert.deepEqual(server.taken.map(({ parsed }) => parsed.subject).sort(), [
      "Choose a new password",
      "Confirm your address",
      "Confirm your address",
    ]);
    const tokens = server.taken.filter(({ parsed }) => parsed.subject === "Confirm your address").map(({ parsed }) => tokenIn(parsed.text));
    const statuses = [];
    for (const token of tokens) statuses.push((await app.post("/auth/confirm", { token })).status);
    assert.deepEqual(statuses.sort(), [200, 410], "the newer link works, the older is void");
  });

  it("and the application is started again meanwhile, the mails arrive all the same", async () => {
    const [port, file] = [await deadPort(), await newFile()];
    const first = await startMailing({ file, mailer: mailerFor(port) });
    await registerAs(first, ANN);
    await first.gate.deliverMails();
    await first.gate.close();
    const server = await serve({}, port);
    const second = await startMailing({ file, mailer: mailerFor(port) });
    second.clock.advance(seconds(30));
    assert.equal(await second.gate.deliverMails(), 1);
    assert.equal((await second.post("/auth/confirm", { token: tokenIn(server.taken[0]?.parsed.text) })).status, 200);
  });
});

describe("F16 a mail server that hangs", () => {
  it("keeps nobody waiting: every route answers before the mailer has", async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let handed = 0;
    const mailer: Mailer = {
      send() {
        handed += 1;
        return released;
      },
    };
    const app = await startMailing({ mailer });
    assert.equal((await registerAs(app, ANN)).status, 200);
    const user = await app.sqlite.findByLogin(ANN);
    assert.ok(user && (await app.sqlite.confirmUser(user.pid, ANN, app.clock.now())));
    assert.equal((await app.post("/auth/recover", { email: ANN })).status, 200);
    assert.equal((await app.post("/auth/confirm/resend", { email: ANN })).status, 200);
    for (let turn = 0; turn < 6; turn += 1) await app.post("/auth/login", { email: ANN, password: "wrong" });
    assert.equal((await app.post("/auth/login", { email: ANN, password: PASSWORD })).status, 403);
    assert.equal(handed, 3, "the mailer has them all, and has answered for none");
    release();
    await app.gate.deliverMails();
  });

  it("that takes the connection and says nothing is given up by the mailer, and its mail stays", async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const app = await startMailing({ mailer: mailerFor(port, { timeout: seconds(0.05) }) });
    await registerAs(app, ANN);
    assert.equal(await app.gate.deliverMails(), 0);
    assert.match(JSON.stringify(app.log), /stays in the queue/);
  });
});

describe("F16 a mail server that refuses", () => {
  for (const [kind, code] of [
    ["for now (4xx)", 450],
    ["for good (5xx)", 550],
  ] as const) {
    it(`one recipient ${kind} gets the mails of all others, and is asked again for that one`, async () => {
      let isRefusing = true;
      const server = await serve({
        onRcptTo({ address }, _session, callback) {
          const refusal = Object.assign(new Error(`<${address}>: not here`), { responseCode: code });
          callback(isRefusing && address === ANN ? refusal : null);
        },
      });
      const app = await startMailing({ mailer: mailerFor(server.port) });
      await registerAs(app, ANN);
      await registerAs(app, BOB);
      await app.gate.deliverMails();
      assert.deepEqual(
        server.taken.map(({ recipients }) => recipients),
        [[BOB]],
      );
      const log = JSON.stringify(app.log);
      assert.ok(log.includes(`${code}`) && log.includes("not here") && !log.includes(ANN));
      isRefusing = false;
      app.clock.advance(seconds(30));
      assert.equal(await app.gate.deliverMails(), 1);
      assert.equal((await app.post("/auth/confirm", { token: tokenIn(server.taken[1]?.parsed.text) })).status, 200);
    });
  }

  it("the password of the gate gets no mail, and no log tells that password", async () => {
    const server = await serve(withPassword);
    const app = await startMailing({ mailer: mailerFor(server.port, { user: "gate", password: "hunter-two" }) });
    await registerAs(app, ANN);
    await app.gate.deliverMails();
    assert.deepEqual(server.taken, []);
    assert.ok(!JSON.stringify(app.log).includes("hunter-two"));
    app.clock.advance(minutes(5));
    assert.equal(await app.gate.deliverMails(), 0);
  });
});

describe("R92 headers", () => {
  it("cannot be made by names, subjects and words: one recipient, one of each header, no Bcc", async () => {
    const server = await serve();
    const evil = "x\r\nBcc: evil@example.net\r\n\r\nanother text";
    const app = await startMailing({
      mailer: mailerFor(server.port),
      gate: { applicationName: evil },
      mail: {
        from: { name: evil, address: "no-reply@app.example.test" },
        subjectPrefix: evil,
        overrides: { "recover/mail": () => ({ subject: `=?utf-8?q?x=0D=0ABcc:_evil@example.net?= ${evil}`, text: "Hello" }) },
      },
    });
    await registerAs(app, ANN);
    await app.post("/auth/recover", { email: ANN });
    await app.gate.email({ to: { name: evil, address: BOB }, subject: evil, text: "Hello" });
    await app.gate.deliverMails();
    assert.equal(server.taken.length, 3);
    for (const { recipients, raw, parsed } of server.taken) {
      assert.equal(recipients.length, 1);
      assert.deepEqual([parsed.to?.length, parsed.cc ?? [], parsed.bcc ?? []], [1, [], []]);
      const [head = ""] = raw.split("\r\n\r\n", 1);
      assert.doesNotMatch(head, /^bcc:/im);
      for (const name of ["From", "To", "Subject", "Message-ID"]) assert.equal(head.match(new RegExp(`^${name}:`, "gim"))?.length, 1, name);
    }
  });
});
