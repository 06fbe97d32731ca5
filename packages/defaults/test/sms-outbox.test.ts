import { strict as assert } from "node:assert";
import { it } from "vitest";
import { outboxSms } from "../dist/sms/index.js";

const clock = { now: () => new Date("2026-01-01T00:00:00Z") };

it("the outbox of text messages keeps them and tells of each", async () => {
  const told: string[] = [];
  const outbox = outboxSms({ clock, keep: 2, onSms: ({ message }) => told.push(message.text) });
  for (const text of ["1", "2", "3"]) await outbox.send({ to: "+41791234567", text });
  assert.deepEqual(told, ["1", "2", "3"]);
  assert.deepEqual(
    outbox.list().map(({ id, message }) => [id, message.text]),
    [
      ["sms-2", "2"],
      ["sms-3", "3"],
    ],
  );
  assert.equal(outbox.get("sms-3")?.at.toISOString(), "2026-01-01T00:00:00.000Z");
  outbox.clear();
  assert.deepEqual(outbox.list(), []);
});

it("a number that is not of E.164 form is refused", async () => {
  const outbox = outboxSms({ clock });
  for (const to of ["", "0791234567", "+0791234567", "+41 79 123 45 67", "+4179123456789012", "+41791234567\n", "+41791234567,+1900555"]) {
    await assert.rejects(outbox.send({ to, text: "123456" }), RangeError, to);
  }
  assert.deepEqual(outbox.list(), []);
});
