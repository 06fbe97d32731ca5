/** The mail queue: nothing waits for a mail server, nothing is lost, nothing is told. @module */
import assert from "node:assert/strict";
import { type Duration, hours, type Mail, type Mailer, minutes, seconds } from "@castellan/core";
import { memoryStorer, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";
import { describe, it, onTestFinished, vi } from "vitest";
import { ANN, flakyMailer, holdTimers, KEY, MAIL, promised, silent, start } from "./support/mail-queue.ts";

describe("a mail", () => {
  it("is handed over with sender, prefix and a Message-ID of its own, and leaves the queue", async () => {
    const { gate, sent, queued } = start({ mail: { subjectPrefix: "[App] " } });
    await gate.email(MAIL);
    await gate.email(MAIL);
    await gate.deliverMails();
    assert.deepEqual([sent.length, queued().length], [2, 0]);
    const [first, second] = sent;
    assert.deepEqual(
      { ...first, messageId: "" },
      {
        ...MAIL,
        from: { name: "The gate", address: "no-reply@app.example.com" },
        subject: "[App] Hello",
        messageId: "",
      },
    );
    assert.match(first?.messageId ?? "", /^<[\w-]{22}@app\.example\.com>$/);
    assert.notEqual(first?.messageId, second?.messageId);
  });

  it("is on its way at once, without anybody asking", async () => {
    const arrived = promised<Mail>();
    const { gate } = start({
      mailer: {
        async send(mail) {
          arrived.resolve(mail);
        },
      },
    });
    await gate.email(MAIL);
    assert.equal((await arrived.promise).subject, "Hello");
  });

  it("is not waited for: whoever sends it goes on while the mailer never answers", async () => {
    holdTimers("setTimeout", "clearTimeout");
    const { gate, queued } = start({ mailer: silent });
    await gate.email(MAIL);
    assert.equal(queued().length, 1);
    await Promise.all([gate.close(), vi.advanceTimersByTimeAsync(seconds(5))]);
  });

  it("lies sealed: no address, no word, no link can be read where it waits", async () => {
    const { gate, queued } = start({ mailer: flakyMailer().mailer });
    await gate.email(MAIL);
    await gate.deliverMails();
    const [row] = queued();
    const text = JSON.stringify(row);
    for (const word of ["ann", "Ann", "example", "Hello", "token", "https", Buffer.from(ANN.address).toString("base64url")]) {
      assert.ok(!text.includes(word), word);
    }
    assert.deepEqual(Object.keys(row ?? {}).sort(), ["attempts", "createdAt", "dueAt", "id", "payload"]);
  });

  it("of the same words is another text each time it is sealed", async () => {
    const { gate, queued } = start({ mailer: flakyMailer().mailer });
    await gate.email(MAIL);
    await gate.email(MAIL);
    const [one, other] = queued();
    assert.notEqual(one?.payload.slice(0, 40), other?.payload.slice(0, 40));
  });

  it("has a Message-ID in ASCII also where its sender's domain is not", async () => {
    const { gate, sent } = start({ mail: { from: { address: "no-reply@bücher.example" } } });
    await gate.email(MAIL);
    await gate.deliverMails();
    assert.match(sent[0]?.messageId ?? "", /^<[\w-]{22}@xn--bcher-kva\.example>$/);
  });

  it("to what is not exactly one address is refused, and so is one that is too long; nothing is queued", async () => {
    const { gate, queued } = start();
    for (const address of [
      "",
      "ann",
      "ann@example.com\r\nBcc: evil@example.net",
      "ann@example.com, evil@example.net",
      '"a b"@example.com',
    ]) {
      await assert.rejects(gate.email({ ...MAIL, to: { address } }), RangeError, address);
    }
    await assert.rejects(gate.email({ ...MAIL, text: "x".repeat(60_000) }), RangeError);
    assert.deepEqual(queued(), []);
    await gate.email({ ...MAIL, text: "x".repeat(40_000) });
  });

  it("goes straight to the mailer where the storer keeps no queue", async () => {
    const { queueMail: _, ...plain } = memoryStorer();
    const sent: Mail[] = [];
    const gate = castellan({
      rootUrl: "https://app.example.com",
      keys: [KEY],
      storer: plain,
      sessions: expressSessions({ secret: TEST_SECRET }),
      mail: { from: { address: "no-reply@app.example.com" } },
      mailer: {
        async send(mail) {
          sent.push(mail);
        },
      },
      sweepEvery: null,
      modules: {},
    });
    onTestFinished(() => gate.close());
    await gate.email(MAIL);
    assert.equal(sent.length, 1);
    assert.equal(await gate.deliverMails(), 0);
  });
});

describe("a mail server that is away", () => {
  const WAITS: readonly Duration[] = [seconds(30), minutes(2), minutes(10), minutes(30), hours(1), hours(3), hours(3)];

  it("is asked again after 30 seconds, 2, 10, 30 minutes, 1 hour, and then every 3 hours, each time with the same Message-ID", async () => {
    const { state, mailer } = flakyMailer();
    const { gate, clock } = start({ mailer });
    await gate.email(MAIL);
    await gate.deliverMails();
    for (const [index, wait] of WAITS.entries()) {
      assert.equal(state.handed.length, index + 1);
      clock.set(new Date(clock.now().getTime() + wait - 1));
      assert.equal(await gate.deliverMails(), 0);
      assert.equal(state.handed.length, index + 1, "not a millisecond sooner");
      clock.set(new Date(clock.now().getTime() + 1));
      await gate.deliverMails();
    }
    assert.equal(new Set(state.handed.map(({ messageId }) => messageId)).size, 1);
  });

  it("gets the mail when it is back, and gets it once", async () => {
    const { state, mailer } = flakyMailer();
    const { gate, clock, queued } = start({ mailer });
    await gate.email(MAIL);
    await gate.deliverMails();
    state.isUp = true;
    state.handed = [];
    clock.advance(seconds(30));
    assert.equal(await gate.deliverMails(), 1);
    clock.advance(hours(24));
    assert.equal(await gate.deliverMails(), 0);
    assert.deepEqual([state.handed.length, queued().length], [1, 0]);
  });

  it("is asked again by a timer, without anybody calling", async () => {
    holdTimers("setInterval", "clearInterval");
    const { state, mailer } = flakyMailer();
    const arrived = promised<void>();
    const { gate, clock } = start({
      mailer: {
        async send(mail) {
          await mailer.send(mail);
          arrived.resolve();
        },
      },
      mail: { every: seconds(15) },
    });
    await gate.ready();
    await gate.email(MAIL);
    await gate.deliverMails();
    state.isUp = true;
    clock.advance(seconds(30));
    vi.advanceTimersByTime(seconds(15));
    await arrived.promise;
  });

  it("for three days is given up, with a log line that says so and names no address", async () => {
    const { state, mailer } = flakyMailer(new Error("550 5.1.1 <ann@example.com>: no such user"));
    const { gate, clock, log, queued } = start({ mailer });
    await gate.email(MAIL);
    const first = clock.now().getTime();
    while (queued().length > 0) {
      await gate.deliverMails();
      clock.advance(hours(3));
      assert.ok(clock.now().getTime() - first < hours(24 * 4));
    }
    assert.ok(clock.now().getTime() - first > hours(24 * 3));
    assert.ok(state.handed.length > 20);
    const last = log.at(-1);
    assert.deepEqual([last?.level, last?.message], ["error", "a mail was given up after many tries"]);
    assert.deepEqual(Object.keys(last?.fields ?? {}), ["mail", "attempts", "error"]);
    assert.ok(!JSON.stringify(log).includes("ann@example.com"));
  });

  it("may answer what it likes: the log hears why, and neither address nor link nor token", async () => {
    const token = "E4_OoUo-QraTEX-azcw7rYZ9SZQ6xrMIRHTsQD725gE552GcdtBRmErU76kILF8W";
    const spam = new Error(`554 spam: https://app.example.com/auth/confirm?token=${token} to <ann@example.com>, ${token}`);
    const refusals: readonly unknown[] = [
      spam,
      new Error("not taken", { cause: spam }),
      String(spam),
      { to: "ann@example.com", toString: () => "odd" },
    ];
    for (const refusal of refusals) {
      const { gate, log } = start({ mailer: flakyMailer(refusal).mailer });
      await gate.email(MAIL);
      await gate.deliverMails();
      const text = JSON.stringify(log);
      assert.match(text, /a mail could not be sent; it stays in the queue/);
      for (const secret of ["ann@example.com", token, "token=", "/auth/confirm"]) assert.ok(!text.includes(secret), secret);
      assert.match(text, /554 spam|odd/);
    }
  });

  it("or a mailer that throws at once, does no harm to anything else", async () => {
    const mailer: Mailer = {
      send() {
        throw new TypeError("no transport");
      },
    };
    const { gate, log, queued } = start({ mailer });
    await gate.email(MAIL);
    assert.equal(await gate.deliverMails(), 0);
    assert.equal(queued().length, 1);
    assert.match(JSON.stringify(log), /no transport/);
  });
});

describe("a mailer that never answers", () => {
  it("holds up no other mail, not even while it is waited for; its own is tried again after a minute", async () => {
    holdTimers("setTimeout", "clearTimeout");
    const sent: string[] = [];
    const arrived = promised<void>();
    const { gate, clock, log, queued } = start({
      mailer: {
        async send({ subject }) {
          if (subject === "stuck" && !sent.includes("stuck")) {
            sent.push(subject);
            return new Promise(() => {});
          }
          sent.push(subject);
          arrived.resolve();
        },
      },
    });
    await gate.email({ ...MAIL, subject: "stuck" });
    await gate.email({ ...MAIL, subject: "other" });
    await arrived.promise;
    const delivered = gate.deliverMails();
    await vi.advanceTimersByTimeAsync(minutes(1));
    await delivered;
    assert.deepEqual(sent, ["stuck", "other"]);
    assert.equal(queued().length, 1);
    assert.match(JSON.stringify(log), /took too long/);
    clock.advance(seconds(30));
    assert.equal(await gate.deliverMails(), 1);
    assert.deepEqual(sent, ["stuck", "other", "stuck"]);
  });

  it("does not keep the process: close() waits five seconds, and the mail is sent after the next start", async () => {
    holdTimers("setTimeout", "clearTimeout");
    const storer = memoryStorer();
    const { gate } = start({ mailer: silent, storer: { ...storer, close: async () => {} } });
    await gate.email(MAIL);
    const closing = gate.close();
    await vi.advanceTimersByTimeAsync(seconds(5));
    await closing;
    const next = start({ storer });
    next.clock.advance(minutes(2));
    assert.equal(await next.gate.deliverMails(), 1);
  });
});
