/** The command `castellan`. @module */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { migrationSql } from "@castellan/storer-sql/sqlite";
import { describe, it, onTestFinished } from "vitest";

const COMMAND = fileURLToPath(new URL("../dist/command.js", import.meta.url));

async function newFile(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "castellan-command-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, name);
}

function castellan(args: readonly string[], address?: string) {
  // Node's own warnings (of its SQLite, in 22) are not the command's words.
  const env = { ...process.env, DATABASE_URL: address, NODE_NO_WARNINGS: "1" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { env, encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("castellan migrate", () => {
  it("prints what is missing, says that something is, brings it up to date, and then nothing is missing", async () => {
    const address = `sqlite://${await newFile("app.db")}`;
    assert.equal(castellan(["migrate", "--check"], address).status, 1);
    assert.deepEqual(castellan(["migrate", "--print"], address), { status: 0, stdout: migrationSql(), stderr: "" });
    assert.equal(castellan(["migrate", "--check"], address).status, 1, "neither has changed anything");
    assert.equal(castellan(["migrate"], address).status, 0);
    assert.deepEqual(castellan(["migrate", "--print"], address), { status: 0, stdout: "", stderr: "the schema is up to date\n" });
    assert.equal(castellan(["migrate", "--check", address]).status, 0);
  });

  it("says of a storer without tables that there is nothing to do", async () => {
    const file = await newFile("app.json");
    const { status, stdout, stderr } = castellan(["migrate"], `file://${file}`);
    assert.deepEqual([status, stdout], [0, ""]);
    assert.match(stderr, /no schema/);
    assert.equal(existsSync(file), false);
  });

  it("says what is wrong with its arguments, and how it is used", () => {
    for (const [args, why] of [
      [["migrate"], /set DATABASE_URL/],
      [["migrate", "--down", "sqlite://:memory:"], /--down/],
      [["migrate", "--print", "--check", "sqlite://:memory:"], /not both/],
      [["migrate", "sqlite://:memory:", "sqlite://:memory:"], /one address/],
    ] as const) {
      const { status, stderr } = castellan(args);
      assert.equal(status, 2);
      assert.match(stderr, why);
      assert.match(stderr, /castellan migrate \[--print/);
    }
  });

  it("says in a line, without a stack and without the password, why a database cannot be had", () => {
    for (const [address, why] of [
      ["oracle://ann:secret-word@host/db", /nothing opens oracle/],
      ["postgres://ann:secret-word@127.0.0.1:1/db", /ECONNREFUSED/],
    ] as const) {
      const { status, stdout, stderr } = castellan(["migrate"], address);
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, why);
      assert.doesNotMatch(stderr, /secret-word|\n {4}at /);
    }
  });
});

describe("castellan", () => {
  it("without a command it knows says which there are", () => {
    for (const args of [[], ["toString"], ["migarte"]]) {
      const { status, stderr } = castellan(args);
      assert.equal(status, 2);
      assert.match(stderr, /castellan migrate/);
    }
    assert.match(castellan(["migarte"]).stderr, /no command "migarte"/);
  });

  it("repeats no address that stands where another word belongs: it holds a password", () => {
    const address = "postgres://ann:secret-word@127.0.0.1:1/db";
    for (const args of [[address], ["migrate", `--print${address}`], ["migrate", `--print=${address}`], ["migrate", `-${address}`]]) {
      const { status, stderr } = castellan(args);
      assert.equal(status, 2);
      assert.match(stderr, /castellan migrate \[--print/);
      assert.doesNotMatch(stderr, /secret-word/);
    }
  });

  it("helps whoever asks for help", () => {
    for (const args of [["help"], ["--help"], ["migrate", "--help"]]) {
      const { status, stdout } = castellan(args);
      assert.equal(status, 0);
      assert.match(stdout, /castellan migrate/);
    }
  });
});
