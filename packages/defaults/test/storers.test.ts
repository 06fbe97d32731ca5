import { strict as assert } from "node:assert";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError } from "@castellan/core";
import { type OpenedStorer, openStorer } from "castellan";
import { describe, it, onTestFinished } from "vitest";
import { openBy } from "../dist/storers/open-storer.js";
import { schemes } from "../dist/storers/schemes.js";

const newUser = { pid: "pid", login: "ann", email: null, passwordHash: null, profile: {}, createdAt: new Date(0) };

/** The problems that opening `uri` names. */
async function problemsOf(opening: Promise<unknown>): Promise<string> {
  const error: unknown = await opening.catch((failure: unknown) => failure);
  assert.ok(error instanceof ConfigError, `${error}`);
  return error.problems.join("\n");
}

describe("openStorer", () => {
  it("opens the file of sqlite:///path, with what is encoded in it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "castellan ü #%-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "app.db");
    const storer: OpenedStorer = await openStorer(pathToFileURL(file).href.replace("file:", "sqlite:"));
    await storer.ready?.();
    assert.equal(await storer.createUser(newUser), true);
    await storer.close?.();
    assert.ok((await stat(file)).isFile());
  });

  it("opens the JSON file of file:///path", async () => {
    const folder = await mkdtemp(join(tmpdir(), "castellan ü #%-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "app.json");
    const storer: OpenedStorer = await openStorer(pathToFileURL(file).href);
    await storer.ready?.();
    assert.equal(await storer.createUser(newUser), true);
    await storer.close?.();
    assert.ok((await stat(file)).isFile());
    assert.match(await problemsOf(openStorer("file://app.json")), /file:\/\/\/path\/to\/app\.json/);
  });

  it("opens a database in memory for sqlite://:memory:", async () => {
    const storer = await openStorer("sqlite://:memory:");
    await storer.ready?.();
    assert.equal(await storer.createUser(newUser), true);
    await storer.close?.();
  });

  it.each(["sqlite://app.db", "sqlite:///", "sqlite:///app.db?mode=ro", "sqlite:///app.db#x", "sqlite:///%zz", "sqlite:///a%2fb"])(
    "says how a file is written where it is not: %s",
    async (uri) => {
      assert.match(await problemsOf(openStorer(uri)), /sqlite:\/\/\/path\/to\/app\.db/);
    },
  );

  it.each([
    "",
    "app.db",
    "/var/lib/app.db",
    "ann:hunter2@db.example.com/auth",
    "sqlite:app.db",
    "toString://x",
    "oracle://ann:hunter2@db/x",
  ])("names what it opens, and not what it was given, for an address of no kind that it knows: %s", async (uri) => {
    const problems = await problemsOf(openStorer(uri));
    for (const { example } of Object.values(schemes)) assert.ok(problems.includes(example), example);
    assert.doesNotMatch(problems, /hunter2/);
  });

  it("says what is wrong where plain JavaScript gives no text", async () => {
    const nothing = undefined as unknown as string; // as an environment variable that is not set
    assert.match(await problemsOf(openStorer(nothing)), /is DATABASE_URL set\?/);
  });

  it("takes a scheme in capitals for the same", async () => {
    assert.match(await problemsOf(openStorer("POSTGRES://127.0.0.1/")), /names no user/);
  });

  it.each(["redis", "rediss"])(
    "hands an address of %s to the storer on Redis, which says what is wrong with it, and not what it was given",
    async (scheme) => {
      const problems = await problemsOf(openStorer(`${scheme}://ann:hunter2@127.0.0.1/first?timeout=1`));
      assert.match(problems, /the number of a database/);
      assert.match(problems, /takes no parameters/);
      assert.doesNotMatch(problems, /hunter2/);
      const storer = await openStorer(`${scheme}://ann:hunter2@127.0.0.1:1/0`);
      await storer.close?.();
    },
  );

  it.each(["etcd", "etcds"])(
    "hands an address of %s to the storer on etcd, which says what is wrong with it, and not what it was given",
    async (scheme) => {
      const problems = await problemsOf(openStorer(`${scheme}://ann:hunter2@127.0.0.1:0,b/my app?sslmode=require`));
      assert.match(problems, /a host in the address/);
      assert.match(problems, /the prefix in the address/);
      assert.match(problems, /the parameter "sslmode" in the address is unknown/);
      assert.doesNotMatch(problems, /hunter2/);
      const storer = await openStorer(`${scheme}://ann:hunter2@127.0.0.1:1,b/app`);
      await storer.close?.();
    },
  );

  it.each(["mongodb", "mongodb+srv"])(
    "hands an address of %s to the storer on MongoDB, which says what is wrong with it, and not what it was given",
    async (scheme) => {
      const problems = await problemsOf(openStorer(`${scheme}://ann:hunter2@db.example.com/?w=1`));
      assert.match(problems, /the name of a database/);
      assert.doesNotMatch(problems, /hunter2/);
      const storer = await openStorer(`${scheme}://ann:hunter2@db.example.com/app`);
      await storer.close?.();
    },
  );

  it("says what to install where the package of a scheme is missing, or is not what it should be", async () => {
    const table = {
      gone: { entry: "@castellan/storer-gone/gone", opens: "gone", driver: "gone-driver", example: "gone://host" },
      old: { entry: "@castellan/core", opens: "old", example: "old://host" },
    };
    const missing = await problemsOf(openBy(table, "gone://ann:hunter2@host"));
    assert.match(missing, /run `npm install @castellan\/storer-gone gone-driver`/);
    assert.doesNotMatch(missing, /hunter2/);
    assert.match(await problemsOf(openBy(table, "old://host")), /has no `old`: run `npm install @castellan\/core`/);
  });
});
