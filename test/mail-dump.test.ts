/** What a thief of the database has: every byte of the file and every row, and nothing to be used. @module */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Mail } from "castellan";
import { describe, it } from "vitest";
import { ANN, BOB, type Mailing, newFile, OTHER_PASSWORD, PASSWORD, registerAs, startMailing, tokenIn } from "./support/mails.ts";
import { connectionTo } from "./support/storers.ts";

/** Shows the mails to the test and takes none: they stay in the queue. */
function seeingMailer() {
  const mails: Mail[] = [];
  const mailer = {
    async send(mail: Mail) {
      mails.push(mail);
      throw new Error("not now");
    },
  };
  return { mails, mailer };
}

async function bytesOf(file: string): Promise<Buffer> {
  const names = (await readdir(dirname(file))).filter((name) => name.startsWith(basename(file)));
  return Buffer.concat(await Promise.all(names.map((name) => readFile(join(dirname(file), name)))));
}

type Rows = Readonly<Record<string, readonly Record<string, unknown>[]>>;

async function rowsOf(file: string): Promise<Rows> {
  const connection = await connectionTo(file);
  const all = (sql: string) => connection.prepare(sql).all() as Record<string, unknown>[]; // rows as the driver makes them
  const tables = all("SELECT name FROM sqlite_master WHERE type = 'table'");
  return Object.fromEntries(tables.map(({ name }) => [String(name), all(`SELECT * FROM ${name}`)]));
}

/** Accounts with a link of every purpose alive, and a mail of every kind in the queue. */
async function everythingAtOnce(file: string): Promise<{ readonly app: Mailing; readonly mails: readonly Mail[] }> {
  const { mails, mailer } = seeingMailer();
  const app = await startMailing({ file, mailer });
  await registerAs(app, ANN);
  await registerAs(app, BOB);
  const bob = await app.sqlite.findByLogin(BOB);
  assert.ok(bob);
  await app.sqlite.confirmUser(bob.pid, BOB, app.clock.now());
  await app.post("/auth/recover", { email: ANN });
  await app.post("/auth/recover", { email: "nobody@example.com" });
  for (let turn = 0; turn < 6; turn += 1) await app.post("/auth/login", { email: BOB, password: "wrong" });
  await app.gate.updatePassword(bob.pid, OTHER_PASSWORD);
  await app.gate.deliverMails();
  return { app, mails };
}

describe("a dump of the database", () => {
  it("R123 holds no token, no half of one that proves anything, no word of a mail, and no password", async () => {
    const file = await newFile();
    const { mails } = await everythingAtOnce(file);
    const tokens = mails.map(({ text }) => tokenIn(text)).filter((token) => token !== "");
    assert.equal(new Set(tokens).size, 4, "confirm twice, recover, unlock");
    const bytes = await bytesOf(file);
    const texts = mails.flatMap(({ subject, text }) => [subject, ...text.split("\n").filter((line) => line.length > 12)]);
    for (const word of [...texts, PASSWORD, OTHER_PASSWORD, "https://", "no-reply@"]) assert.ok(!bytes.includes(word), word);
    for (const token of tokens) {
      const proof = Buffer.from(token, "base64url").subarray(16);
      for (const form of [token, proof, proof.toString("hex"), proof.toString("base64"), proof.toString("base64url"), token.slice(22)]) {
        assert.ok(!bytes.includes(form), "a token, or what proves it");
      }
    }
  });

  it("R123 has no address in the rows of the queue, and tells the mail of somebody from that of nobody by no column but the sealed one", async () => {
    const file = await newFile();
    await everythingAtOnce(file);
    const queue = (await rowsOf(file))["castellan_mail"] ?? [];
    assert.ok(queue.length >= 5);
    for (const row of queue) {
      const text = JSON.stringify(row);
      for (const word of ["ann", "bob", "example", Buffer.from(ANN).toString("base64url")]) assert.ok(!text.includes(word), word);
      assert.match(String(row["payload"]), /^[\w-]{8}\.[\w-]+$/);
    }
  });

  it("R123 opens nothing: no value of any row is taken for a token by any route", async () => {
    const file = await newFile();
    const { app, mails } = await everythingAtOnce(file);
    const rows = await rowsOf(file);
    const values = new Set(
      Object.values(rows).flatMap((table) => table.flatMap((row) => Object.values(row).filter((value) => typeof value === "string"))),
    );
    const links = rows["castellan_link"] ?? [];
    // The halves as they lie there, put together in the form of a token.
    for (const { selector, verifier_hash: hash } of links) {
      values.add(Buffer.concat([Buffer.from(String(selector), "base64url"), Buffer.from(String(hash), "base64url")]).toString("base64url"));
    }
    const before = await rowsOf(file);
    for (const value of values) {
      for (const path of ["/auth/confirm", "/auth/recover/end", "/auth/unlock"]) {
        const answer = await app.post(path, { token: value.slice(0, 1_000), password: "yet another pass phrase" });
        assert.ok([410, 429].includes(answer.status), `${path} ${answer.status}`);
      }
    }
    const after = await rowsOf(file);
    for (const table of ["castellan_user", "castellan_link", "castellan_attempt", "castellan_sign_in"])
      assert.deepEqual(after[table], before[table]);
    const confirmation = mails.find(({ to, subject }) => to.address === ANN && subject.startsWith("Confirm"));
    assert.equal((await app.post("/auth/confirm", { token: tokenIn(confirmation?.text) })).status, 200, "the mail itself does");
  });
});
