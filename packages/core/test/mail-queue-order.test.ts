/** The queue of mails over time and over processes: order, sweeping, closing, keys; and its options. @module */
import assert from "node:assert/strict";
import { type Duration, minutes, seconds } from "@castellan/core";
import { manualClock, memoryStorer } from "@castellan/testkit";
import { ConfigError, type MailOptions } from "castellan";
import { describe, it } from "vitest";
import { ANN, flakyMailer, KEY, MAIL, OTHER_KEY, promised, start } from "./support/mail-queue.ts";

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
