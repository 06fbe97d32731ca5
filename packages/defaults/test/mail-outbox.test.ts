import { strict as assert } from "node:assert";
import type { Mail } from "@castellan/core";
import { describe, it } from "vitest";
import { developmentOutbox, outboxMailer } from "../dist/mail/index.js";

const mail: Mail = {
  to: { address: "ann@example.com" },
  from: { name: "Castellan", address: "gate@example.com" },
  subject: "Hello",
  text: "Hi",
};

function movedByHand() {
  let time = Date.UTC(2026, 0, 1);
  return {
    now: () => new Date(time),
    advance(milliseconds: number): void {
      time += milliseconds;
    },
  };
}

describe("the mail outbox", () => {
  it("keeps mails with an id and the time", async () => {
    const clock = movedByHand();
    const outbox = outboxMailer({ clock });
    await outbox.send(mail);
    clock.advance(1000);
    await outbox.send({ ...mail, subject: "Again" });
    assert.deepEqual(outbox.list(), [
      { id: "mail-1", at: new Date("2026-01-01T00:00:00Z"), message: mail },
      { id: "mail-2", at: new Date("2026-01-01T00:00:01Z"), message: { ...mail, subject: "Again" } },
    ]);
    assert.equal(outbox.get("mail-2")?.message.subject, "Again");
    assert.equal(outbox.get("mail-3"), null);
  });

  it("keeps the last hundred, under the ids that they had", async () => {
    const outbox = outboxMailer({ clock: movedByHand() });
    for (let count = 0; count < 103; count += 1) await outbox.send(mail);
    assert.equal(outbox.list().length, 100);
    assert.equal(outbox.list()[0]?.id, "mail-4");
    assert.equal(outbox.get("mail-3"), null);
  });

  it("forgets everything when told to, and gives no id twice", async () => {
    const outbox = outboxMailer({ clock: movedByHand() });
    await outbox.send(mail);
    outbox.clear();
    assert.deepEqual(outbox.list(), []);
    await outbox.send(mail);
    assert.equal(outbox.list()[0]?.id, "mail-2");
  });

  it("tells of each mail", async () => {
    const told: string[] = [];
    const outbox = outboxMailer({ clock: movedByHand(), onMail: ({ id, message }) => told.push(`${id} ${message.subject}`) });
    await outbox.send(mail);
    assert.deepEqual(told, ["mail-1 Hello"]);
  });

  it("refuses what a mail server's mailer would refuse", async () => {
    const outbox = outboxMailer({ clock: movedByHand() });
    await assert.rejects(outbox.send({ ...mail, to: { address: "ann@example.com\r\nBcc: eve@example.com" } }), RangeError);
    assert.deepEqual(outbox.list(), []);
  });
});

describe("the development outbox", () => {
  it("shows mails and text messages together, in the order of their times", async () => {
    const clock = movedByHand();
    const told: string[] = [];
    const outbox = developmentOutbox({ clock, onMessage: ({ id, kind }) => told.push(`${kind} ${id}`) });
    await outbox.sms.send({ to: "+41791234567", text: "123456" });
    clock.advance(1);
    await outbox.mailer.send(mail);
    clock.advance(1);
    await outbox.sms.send({ to: "+41791234567", text: "654321" });
    assert.deepEqual(
      outbox.messages().map(({ kind, id }) => [kind, id]),
      [
        ["sms", "sms-1"],
        ["mail", "mail-1"],
        ["sms", "sms-2"],
      ],
    );
    assert.deepEqual(told, ["sms sms-1", "mail mail-1", "sms sms-2"]);
    const found = outbox.get("sms-2");
    assert.equal(found?.kind === "sms" && found.message.text, "654321");
    outbox.clear();
    assert.deepEqual(outbox.messages(), []);
    assert.equal(outbox.get("sms-2"), null);
  });
});
