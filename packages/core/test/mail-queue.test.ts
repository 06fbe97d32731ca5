/** The mail queue: nothing waits for a mail server, nothing is lost, nothing is told. @module */
import assert from "node:assert/strict";
import { type Duration, hours, type Logger, type Mail, type Mailer, minutes, seconds } from "@castellan/core";
import {
  type LogLine,
  type ManualClock,
  type MemoryStorer,
  manualClock,
  memoryStorer,
  seededRandom,
  TEST_SECRET,
} from "@castellan/testkit";
import { ConfigError, castellan, expressSessions, type MailOptions } from "castellan";
import { describe, it, onTestFinished, vi } from "vitest";

const KEY = "a-key-of-these-tests-0123456789-abcdefghijkl";
const OTHER_KEY = "another-key-of-these-tests-9876543210-zyxwv";
const ANN = { name: "Ann", address: "ann@example.com" };
const MAIL = { to: ANN, subject: "Hello", text: "See https://app.example.com/auth/confirm?token=abc", html: "<p>See</p>" };

interface Parts {
  readonly storer: MemoryStorer;
  readonly clock: ManualClock;
  readonly log: LogLine[];
  readonly keys: readonly string[];
  readonly mailer: Mailer;
  readonly mail: Partial<MailOptions>;
  readonly seed: string;
}

/** A gate that does nothing but send mails; it is closed when the test is over. */
function start(changes: Partial<Parts> = {}) {
  const sent: Mail[] = [];
  const parts: Parts = {
    storer: memoryStorer(),
    clock: manualClock(),
    log: [],
    keys: [KEY],
    mailer: {
      async send(mail) {
        sent.push(mail);
      },
    },
    mail: {},
    seed: "queue",
    ...changes,
  };
  const line =
    (level: LogLine["level"]): Logger[LogLine["level"]] =>
    (message, fields = {}) =>
      void parts.log.push({ level, message, fields });
  const gate = castellan({
    ...parts,
    rootUrl: "https://app.example.com",
    sessions: expressSessions({ secret: TEST_SECRET }),
    random: seededRandom(parts.seed),
    logger: { info: line("info"), warn: line("warn"), error: line("error") },
    mail: { from: { name: "The gate", address: "no-reply@app.example.com" }, every: null, ...parts.mail },
    sweepEvery: null,
    modules: {},
  });
  onTestFinished(() => gate.close());
  return { ...parts, gate, sent, queued: () => parts.storer.dump().mails };
}

/** A mailer that takes nothing until it is told to, and everything that was handed to it. */
function flakyMailer(refusal: unknown = new Error("421 try again later")) {
  const state = { isUp: false, handed: [] as Mail[] };
  const mailer: Mailer = {
    async send(mail) {
      state.handed.push(mail);
      if (!state.isUp) throw refusal;
    },
  };
  return { state, mailer };
}

/** A promise that the test keeps when it likes. */
function promised<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((keep) => {
    resolve = keep;
  });
  return { promise, resolve: (value: T) => resolve(value) };
}

const silent: Mailer = { send: () => new Promise(() => {}) };

/** Timers that the test moves; the clock of the gate is another thing. */
function holdTimers(...toFake: ("setTimeout" | "clearTimeout" | "setInterval" | "clearInterval")[]): void {
  vi.useFakeTimers({ toFake });
  onTestFinished(() => void vi.useRealTimers());
}

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

describe("the queue", () => {
  it("delivers however many are due, and what is put in meanwhile by itself", async () => {
    let more = 5;
    const { gate, sent, queued } = start({
      mailer: {
        async send(mail) {
          sent.push(mail);
          if (more-- > 0) await gate.email({ ...MAIL, subject: "meanwhile" });
        },
      },
    });
    for (let count = 0; count < 45; count += 1) await gate.email(MAIL);
    await gate.deliverMails();
    await gate.deliverMails();
    assert.deepEqual([sent.length, queued().length], [50, 0]);
  });

  it("gives the mailer no more than five at once", async () => {
    let handed = 0;
    const [five, release] = [promised<void>(), promised<void>()];
    const { gate, queued } = start({
      mailer: {
        send() {
          handed += 1;
          if (handed === 5) five.resolve();
          return release.promise;
        },
      },
    });
    for (let count = 0; count < 12; count += 1) await gate.email(MAIL);
    await five.promise;
    const done = gate.deliverMails();
    assert.deepEqual([handed, queued().filter(({ attempts }) => attempts === 0).length], [5, 7]);
    release.resolve();
    await done;
    assert.deepEqual([handed, queued().length], [12, 0]);
  });

  it("loses nobody who calls at the moment when a run ends", async () => {
    const { gate, queued } = start();
    for (let count = 0; count < 200; count += 1) {
      await gate.email(MAIL);
      // As many turns as a run may take, and one more or less.
      for (let turn = 0; turn < count % 40; turn += 1) await Promise.resolve();
      await gate.email(MAIL);
      await gate.deliverMails();
      assert.equal(queued().length, 0, `after ${count}`);
    }
  });

  it("is shared by processes: of two that deliver at once each mail goes out by one", async () => {
    const [storer, clock] = [memoryStorer(), manualClock()];
    const { state, mailer } = flakyMailer();
    const one = start({ storer, clock, mailer });
    const other = start({ storer, clock, mailer, seed: "other" });
    for (let count = 0; count < 60; count += 1) await (count % 2 ? one : other).gate.email({ ...MAIL, subject: `mail ${count}` });
    await Promise.all([one.gate.deliverMails(), other.gate.deliverMails()]);
    state.isUp = true;
    state.handed = [];
    clock.advance(seconds(30));
    const counts = await Promise.all([one.gate.deliverMails(), other.gate.deliverMails()]);
    assert.equal(counts[0] + counts[1], 60);
    assert.equal(new Set(state.handed.map(({ subject }) => subject)).size, 60);
    assert.equal(state.handed.length, 60);
  });

  it("gives a mail of somebody who was killed to the next after two minutes, with the same Message-ID", async () => {
    const { gate, storer, clock, sent, queued } = start({ mailer: flakyMailer().mailer });
    await gate.email(MAIL);
    await gate.deliverMails();
    const [row] = queued();
    clock.advance(seconds(30));
    // Claimed by a process that is not there any more.
    const claimed = await storer.claimMails(clock.now(), new Date(clock.now().getTime() + minutes(2)), 20);
    assert.equal(claimed.length, 1);
    const next = start({ storer, clock });
    clock.advance(seconds(119));
    assert.equal(await next.gate.deliverMails(), 0);
    clock.advance(seconds(1));
    assert.equal(await next.gate.deliverMails(), 1);
    assert.deepEqual([sent.length, next.sent[0]?.messageId], [0, `<${row?.id}@app.example.com>`]);
  });

  it("sends again, with the same Message-ID, what was taken but could not be removed: at least once, never not at all", async () => {
    const storer = memoryStorer();
    const { gate, clock, sent } = start({
      storer,
      mailer: {
        async send(mail) {
          sent.push(mail);
          if (sent.length === 1) storer.fail(new Error("the database is away"));
        },
      },
    });
    await gate.email(MAIL);
    await gate.deliverMails().catch(() => 0);
    storer.fail(null);
    clock.advance(minutes(2));
    assert.equal(await gate.deliverMails(), 1);
    assert.deepEqual([sent.length, new Set(sent.map(({ messageId }) => messageId)).size], [2, 1]);
  });

  it("goes on after the database was away, and says so in the log", async () => {
    const { gate, storer, sent, log } = start();
    await gate.email(MAIL);
    storer.fail(new Error("the database is away"));
    await assert.rejects(gate.email(MAIL));
    await gate.deliverMails().catch(() => 0);
    storer.fail(null);
    await gate.deliverMails();
    assert.equal(sent.length, 1);
    assert.ok(log.every(({ message }) => !message.includes("ann@")));
  });
});

describe("the key ring", () => {
  it("opens what an older key has sealed, as long as that key is in it", async () => {
    const { gate, storer, clock } = start({ mailer: flakyMailer().mailer });
    await gate.email(MAIL);
    await gate.deliverMails();
    clock.advance(seconds(30));
    const next = start({ storer, clock, keys: [OTHER_KEY, KEY] });
    assert.equal(await next.gate.deliverMails(), 1);
    assert.equal(next.sent[0]?.to.address, ANN.address);
  });

  it("drops what was sealed by a key that is gone, or was tampered with, or put under another id, each with a log line", async () => {
    const { gate, storer, clock, queued } = start({ mailer: flakyMailer().mailer });
    await gate.email(MAIL);
    await gate.deliverMails();
    const [row] = queued();
    assert.ok(row);
    clock.advance(seconds(30));
    const due = clock.now();
    await storer.queueMail({ ...row, id: "x".repeat(22), dueAt: due });
    await storer.queueMail({ ...row, id: "y".repeat(22), payload: `${row.payload.slice(0, -2)}AA`, dueAt: due });
    await storer.queueMail({ ...row, id: "z".repeat(22), payload: "", dueAt: due });
    const next = start({ storer, clock, keys: [OTHER_KEY] });
    assert.equal(await next.gate.deliverMails(), 4);
    assert.deepEqual([queued().length, next.sent.length], [0, 0]);
    assert.deepEqual(
      next.log.map(({ level, message }) => `${level} ${message}`),
      Array<string>(4).fill("error a queued mail was sealed by a key that is gone; it is dropped"),
    );
  });
});

describe("the options of mails", () => {
  it("are looked at when the gate is made", () => {
    const problemOf = (mail: Partial<MailOptions>): string => {
      try {
        start({ mail });
      } catch (error) {
        assert.ok(error instanceof ConfigError);
        return error.problems.join();
      }
      return "";
    };
    for (const every of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      assert.match(problemOf({ every: every as Duration }), /`mail\.every` must be a duration/);
    }
    for (const rootUrl of ["", "front.example.org", "https://front.example.org/", "https://front.example.org?x=1", "javascript:alert(1)"]) {
      assert.match(problemOf({ rootUrl }), /`mail\.rootUrl` must be an address/);
    }
    for (const address of ["", "gate", "gate@example.com\r\nBcc: x@example.com"]) {
      assert.match(problemOf({ from: { address } }), /`mail\.from\.address` must be one e-mail address/);
    }
  });
});
