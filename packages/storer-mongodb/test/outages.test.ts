/** The server goes away and comes back, freezes, refuses: every answer is a failure, never a "no". */
import { ConfigError, seconds, Unavailable } from "@castellan/core";
import { type MongoOptions, type MongoStorer, mongodb } from "@castellan/storer-mongodb";
import { MongoClient } from "mongodb";
import { describe, expect, it, onTestFinished } from "vitest";
import { aChallenge, aFlow, aLink, aPolicy, aSeries, aSignIn, aTotp, aTrusted, at, aUser } from "../../../test/support/sample-rows.ts";
import { loadDriver } from "../src/open.ts";
import { type MongoServer, startMongo } from "./support/mongo-server.ts";

const unavailable = { code: "CASTELLAN_UNAVAILABLE", status: 503, cause: expect.any(Error) };

async function serverOf(): Promise<MongoServer> {
  const server = await startMongo();
  onTestFinished(() => server.end());
  return server;
}

async function openStorer(options: MongoOptions): Promise<MongoStorer> {
  const storer = await mongodb({ connectTimeout: seconds(0.8), ...options });
  onTestFinished(() => storer.close());
  return storer;
}

/** One call of each kind of operation. */
const everything = (storer: MongoStorer): Readonly<Record<string, () => Promise<unknown>>> => ({
  load: () => storer.load("pid-ann"),
  findByLogin: () => storer.findByLogin("ann"),
  createUser: () => storer.createUser(aUser("bob")),
  changePasswordHash: () => storer.changePasswordHash("pid-ann", 0, "new"),
  findSignIn: () => storer.findSignIn("key", at(0)),
  createSignIn: () => storer.createSignIn("other", aSignIn("ann", { id: "other" })),
  endSignIn: () => storer.endSignIn("key"),
  endSignIns: () => storer.endSignIns("pid-ann", null),
  listSignIns: () => storer.listSignIns("pid-ann", at(0)),
  consumeChallenge: () => storer.consumeChallenge("challenge-ann", "session-ann", at(0)),
  finishConfirmation: () => storer.finishConfirmation(aLink("ann"), at(0)),
  startRecovery: () => storer.startRecovery([aLink("ann")]),
  admitAttempt: () => storer.admitAttempt("pid:pid-ann", aPolicy, at(0)),
  rotateRememberSeries: () => storer.rotateRememberSeries(aSeries("ann"), "next", seconds(1), at(0)),
  countUse: () => storer.countUse("key", 1, 1000, at(0)),
  claimMails: () => storer.claimMails(at(0), at(1), 1),
  enableTotp: () => storer.enableTotp("pid-ann", 0, aTotp, ["code"]),
  consumeRecoveryCode: () => storer.consumeRecoveryCode("pid-ann", "code"),
  addTrustedBrowser: () => storer.addTrustedBrowser(aTrusted("ann")),
  consumeOneTimePassword: () => storer.consumeOneTimePassword("pid-ann", "hash"),
  takeFlow: () => storer.takeFlow("flow-ann", "browser-ann", aFlow("ann").purpose, at(0)),
  loadSession: () => storer.loadSession("key", at(0)),
  saveSession: () => storer.saveSession("key", { data: "{}", expiresAt: at(1) }),
  sweep: () => storer.sweep(at(0), 10),
});

/** How many tries it takes until one succeeds, at most `most`. */
async function triesUntil(most: number, work: () => Promise<unknown>): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return tries;
    } catch (error) {
      if (tries === most) throw error;
    }
  }
}

describe("a server that goes away", () => {
  it("makes every operation reject as unavailable, and within five tries after its return all is as it was, without a restart of ours", async () => {
    const server = await serverOf();
    const storer = await openStorer({ uri: server.uri });
    await storer.createUser(aUser("ann"));
    await storer.createSignIn("key", aSignIn("ann"));
    await storer.createChallenge(aChallenge("ann"));
    for (const _ of [1, 2]) {
      await server.stop();
      const calls = Object.entries(everything(storer));
      await Promise.all(calls.map(([name, work]) => expect(work(), name).rejects.toMatchObject(unavailable)));
      await server.start();
      expect(await triesUntil(5, () => storer.load("pid-ann"))).toBeLessThanOrEqual(5);
      expect(await storer.findSignIn("key", at(0))).toMatchObject({ user: { pid: "pid-ann", epoch: 0 }, signIn: { id: "sign-in-ann" } });
      expect(await storer.load("pid-bob")).toBeNull();
    }
    expect(await storer.consumeChallenge("challenge-ann", "session-ann", at(0))).not.toBeNull();
  });

  it("has what it acknowledged when it is killed in the middle of it all, and of the rest each whole or not at all", async () => {
    const server = await serverOf();
    const storer = await openStorer({ uri: server.uri });
    const [asked, made]: [string[], string[]] = [[], []];
    let killed: Promise<void> | null = null;
    const worker = async (_: unknown, number: number) => {
      for (let nth = 0; killed === null; nth += 1) {
        const name = `user-${number}-${nth}`;
        asked.push(name);
        if (await storer.createUser(aUser(name)).catch(() => false)) made.push(name);
        if (made.length >= 100) killed ??= server.stop();
      }
    };
    await Promise.all(Array.from({ length: 20 }, worker));
    await killed;
    expect(made.length).toBeLessThan(asked.length);
    await server.start();
    await triesUntil(5, () => storer.load("pid-nobody"));
    for (const name of made) expect(await storer.findByLogin(name), name).toMatchObject({ pid: `pid-${name}` });
    for (const name of asked.filter((one) => !made.includes(one))) {
      const user = await storer.findByLogin(name);
      expect(await storer.load(`pid-${name}`), name).toEqual(user);
      expect(await storer.createUser(aUser(name)), name).toBe(user === null);
    }
  });

  it("by freezing is given up after the timeout, and answers again when it wakes", async () => {
    const server = await serverOf();
    const storer = await openStorer({ uri: server.uri, timeout: seconds(0.2) });
    await storer.createUser(aUser("ann"));
    server.isFrozen = true;
    await expect(storer.load("pid-ann")).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining("no answer within 200 ms"),
    });
    server.isFrozen = false;
    expect(await triesUntil(5, () => storer.load("pid-ann"))).toBeLessThanOrEqual(5);
  });

  it("by freezing holds up the sweep and the queue of mails, which have no visitor, no longer than a connection may be silent", async () => {
    const server = await serverOf();
    const storer = await openStorer({ uri: server.uri, timeout: seconds(0.2) });
    await storer.ready();
    server.isFrozen = true;
    await Promise.all([
      expect(storer.sweep(at(0), 1)).rejects.toMatchObject(unavailable),
      expect(storer.claimMails(at(0), at(1), 1)).rejects.toMatchObject(unavailable),
    ]);
  });

  it("by breaking the connection before the answer leaves it open whether it was done, and says so by failing", async () => {
    const server = await serverOf();
    const storer = await openStorer({ uri: server.uri });
    await storer.ready();
    let isFirst = true;
    server.fate = (name) => {
      if (name !== "insert" || !isFirst) return "run";
      isFirst = false;
      return "lose answer";
    };
    await expect(storer.createUser(aUser("ann"))).rejects.toMatchObject(unavailable);
    expect(await storer.createUser(aUser("ann"))).toBe(false);
    expect(await storer.load("pid-ann")).not.toBeNull();
  });

  it("by never having been there is unavailable to `ready`, and ready once it is there", async () => {
    const server = await serverOf();
    const { uri } = server;
    await server.stop();
    const storer = await openStorer({ uri });
    await expect(storer.ready()).rejects.toMatchObject(unavailable);
    await expect(storer.load("pid-ann")).rejects.toMatchObject(unavailable);
    await server.start();
    await triesUntil(5, () => storer.ready());
    expect(await storer.createUser(aUser("ann"))).toBe(true);
  });
});

describe("a server that refuses", () => {
  it("makes an operation fail, and what it says of the data is told to nobody", async () => {
    const server = await serverOf();
    const storer = await openStorer({ uri: server.uri });
    await storer.ready();
    // An index that is not ours: what a server says of it quotes the value.
    const past = new MongoClient(server.uri);
    onTestFinished(() => past.close());
    await past.db().collection("castellan_sessions").createIndex({ data: 1 }, { unique: true });
    await storer.saveSession("one", { data: "the-secret", expiresAt: at(1) });
    const failure: unknown = await storer.saveSession("two", { data: "the-secret", expiresAt: at(1) }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Unavailable);
    const { cause, message } = failure as Unavailable; // just looked at
    expect(message).toContain("11000");
    const all = [
      message,
      String(cause),
      ...Object.values(Object.getOwnPropertyDescriptors(cause)).map(({ value }) => JSON.stringify(value)),
    ];
    for (const text of all) expect(text ?? "").not.toMatch(/the-secret/);
  });

  it("to let somebody in says so without the password", async () => {
    const server = await serverOf();
    const uri = server.uri.replace("mongodb://", "mongodb://ann:hunter2@");
    const failure: unknown = await (await openStorer({ uri })).ready().catch((error: unknown) => error);
    expect(failure).toMatchObject(unavailable);
    expect(`${failure} ${(failure as Unavailable).cause}`).not.toMatch(/hunter2/);
  });

  it("by holding a document that nobody of us has written makes an operation fail: that is never 'not found'", async () => {
    const server = await serverOf();
    const storer = await openStorer({ uri: server.uri });
    await storer.ready();
    const past = new MongoClient(server.uri);
    onTestFinished(() => past.close());
    await past.db().collection<{ _id: string; login: string }>("castellan_users").insertOne({ _id: "pid-odd", login: "odd" });
    await expect(storer.load("pid-odd")).rejects.toMatchObject(unavailable);
    await expect(storer.findByLogin("odd")).rejects.toMatchObject(unavailable);
  });

  it("by holding a newer layout is left alone", async () => {
    const server = await serverOf();
    const past = new MongoClient(server.uri);
    onTestFinished(() => past.close());
    await past.db().collection<{ _id: string; version: number }>("castellan_meta").insertOne({ _id: "layout", version: 2 });
    const storer = await openStorer({ uri: server.uri });
    await expect(storer.ready()).rejects.toThrow(ConfigError);
    await expect(storer.createUser(aUser("ann"))).rejects.toThrow(/layout 2/);
    expect(server.collections).toEqual(["castellan_meta"]);
  });
});

describe("a closed storer", () => {
  it("rejects every operation, and may be closed again, also while its server is away", async () => {
    const server = await serverOf();
    const storer = await openStorer({ uri: server.uri });
    await storer.createUser(aUser("ann"));
    await server.stop();
    await storer.close();
    await storer.close();
    for (const [name, work] of Object.entries(everything(storer))) await expect(work(), name).rejects.toThrow(/closed/);
    await expect(storer.ready()).rejects.toThrow(Unavailable);
  });

  it("is closed while its server is frozen, with an operation under way and without", async () => {
    const server = await serverOf();
    const [busy, idle] = [
      await openStorer({ uri: server.uri, timeout: seconds(0.3) }),
      await openStorer({ uri: server.uri, timeout: seconds(0.3) }),
    ];
    for (const storer of [busy, idle]) await storer.load("pid-ann");
    server.isFrozen = true;
    const late = expect(busy.load("pid-ann")).rejects.toMatchObject(unavailable);
    await Promise.all([busy.close(), idle.close()]);
    await late;
  }, 10_000);

  it("lets what is under way finish, and a client that was handed in stay open", async () => {
    const server = await serverOf();
    const client = new MongoClient(server.uri);
    onTestFinished(() => client.close());
    const storer = await openStorer({ client, database: "castellan" });
    await storer.createUser(aUser("ann"));
    const epoch = storer.advanceEpoch("pid-ann");
    await storer.close();
    expect(await epoch).toBe(1);
    expect(await client.db().command({ ping: 1 })).toMatchObject({ ok: 1 });
  });
});

describe("a storer that is wired wrongly", () => {
  it("says what to install when there is no driver", async () => {
    const failure = loadDriver("mongodb-that-is-not-there");
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(/npm install mongodb.*mongodb-that-is-not-there/s);
  });

  it("lists all that is wrong with its options", async () => {
    // As plain JavaScript might: no compiler has looked at it.
    const options = { prefix: "system.", database: "a.b", timeout: -1, connectTimeout: "2s" } as unknown as MongoOptions;
    const failure = await mongodb(options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({ problems: { length: 5 } });
    const client = { get: () => null } as unknown as MongoClient;
    await expect(mongodb({ client })).rejects.toThrow(/MongoClient of the package mongodb.*name of its `database`/s);
    await expect(mongodb({ client, uri: "mongodb://localhost/a", database: "a" })).rejects.toThrow(/either a `uri` or a `client`/);
  });

  it.each([
    "",
    "localhost:27017",
    "http://localhost/a",
    "mongodb://",
    "mongodb://ann:hunter2@localhost",
    "mongodb://ann:hunter2@localhost/?w=1",
    "mongodb://ann:hunter2@localhost/a#b",
    "mongodb://ann:hunter2@localhost/%zz",
    "mongodb://ann:hun/ter2@localhost/a",
    "mongodb://ann:hunter2@localhost/a?unheardOf=1",
    "mongodb://ann:hunter2@localhost:x/a",
  ])("names no database of MongoDB, and is not quoted: %j", async (uri) => {
    const failure = await mongodb(uri).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(String(failure)).toMatch(/mongodb:\/\/user:password@host:27017\/database/);
    expect(String(failure)).not.toMatch(/hun/);
  });
});
