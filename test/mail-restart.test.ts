/** Mails of processes that are killed, and of several that share one queue. @module */
import assert from "node:assert/strict";
import { minutes, seconds } from "castellan";
import type { SMTPServerOptions } from "smtp-server";
import { describe, it, onTestFinished } from "vitest";
import { certificate, mailServer } from "../packages/defaults/test/mail-server.ts";
import { type Child, startChild } from "./support/child.ts";
import { ANN, BOB, mailerFor, newFile, registerAs, startMailing, tokenIn } from "./support/mails.ts";

const start = (...args: readonly string[]): Child => {
  const child = startChild("mailing", args, { MAIL_CERTIFICATE: certificate });
  onTestFinished(() => child.kill());
  return child;
};

async function serve(options?: SMTPServerOptions) {
  const server = await mailServer(options);
  onTestFinished(() => server.close());
  return server;
}

const addressesOf = (taken: readonly { readonly recipients: readonly string[] }[]): readonly string[] =>
  taken.flatMap(({ recipients }) => recipients).sort();

const messageId = (raw: string): string => /^message-id: *(<[^>]+>)/im.exec(raw)?.[1] ?? "";

describe("mails that wait when the process is killed (kill -9)", () => {
  it("F17 are delivered after the next start, once each, and their links work", async () => {
    const file = await newFile();
    const child = start(file, "0", "0", "queue");
    await child.said("queued");
    await child.kill();
    const server = await serve();
    const app = await startMailing({ file, mailer: mailerFor(server.port) });
    app.clock.advance(minutes(2));
    assert.equal(await app.gate.deliverMails(), 2);
    assert.deepEqual(addressesOf(server.taken), [ANN, BOB]);
    for (const { parsed } of server.taken) {
      assert.equal((await app.post("/auth/confirm", { token: tokenIn(parsed.text) })).status, 200);
    }
    app.clock.advance(minutes(60 * 24));
    assert.equal(await app.gate.deliverMails(), 0);
  });

  it("F17 in the very moment of sending are sent at most once more, with the same Message-ID and the same link", async () => {
    const file = await newFile();
    const first: string[] = [];
    let both: () => void = () => {};
    const halfSent = new Promise<void>((resolve) => {
      both = resolve;
    });
    // Takes the whole mail and never says so.
    const silent = await serve({
      onData(stream) {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          first.push(Buffer.concat(chunks).toString("utf8"));
          if (first.length === 2) both();
        });
      },
    });
    const child = start(file, String(silent.port), "0", "send");
    await halfSent;
    await child.kill();
    const server = await serve();
    const app = await startMailing({ file, mailer: mailerFor(server.port) });
    assert.equal(await app.gate.deliverMails(), 0, "they are the other's for two minutes");
    app.clock.advance(minutes(2));
    assert.equal(await app.gate.deliverMails(), 2);
    const ids = first.map(messageId).sort();
    assert.deepEqual(server.taken.map(({ raw }) => messageId(raw)).sort(), ids);
    assert.equal(new Set(ids).size, 2);
    const { parsed } = server.taken[0] ?? {};
    assert.ok(first.some((raw) => raw.replaceAll("=\r\n", "").includes(tokenIn(parsed?.text).slice(0, 30))));
    app.clock.advance(minutes(60));
    assert.equal(await app.gate.deliverMails(), 0);
  });
});

describe("two processes that deliver one queue", () => {
  it("send each mail once", async () => {
    const file = await newFile();
    const server = await serve();
    const down = { send: () => Promise.reject(new Error("down")) };
    const app = await startMailing({ file, mailer: down });
    for (let count = 0; count < 20; count += 1)
      await app.gate.email({ to: { address: `a${count}@example.com` }, subject: `mail ${count}`, text: "-" });
    for (let count = 0; count < 5; count += 1) await registerAs(app, `b${count}@example.com`);
    assert.equal(await app.gate.deliverMails(), 0);
    const late = String(seconds(30) / 1_000);
    const children = [1, 2, 3].map(() => start(file, String(server.port), late, "deliver"));
    await Promise.all(children.map((child) => child.said("waiting")));
    for (const child of children) child.tell("go");
    const delivered = await Promise.all(children.map(async (child) => Number(await child.said("delivered"))));
    await Promise.all(children.map(({ ended }) => ended));
    assert.equal(
      delivered.reduce((sum, one) => sum + one, 0),
      25,
    );
    assert.equal(server.taken.length, 25);
    assert.equal(new Set(addressesOf(server.taken)).size, 25);
    assert.equal(new Set(server.taken.map(({ parsed }) => parsed.messageId)).size, 25);
  });
});
