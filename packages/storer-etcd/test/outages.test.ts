/** The server goes away and comes back, freezes, fills up: every answer is a failure, never a "no", and nothing that was acknowledged is lost. */
import { seconds, Unavailable } from "@castellan/core";
import { type EtcdStorer, etcd } from "@castellan/storer-etcd";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { everything, fill } from "./support/everything.ts";
import { aChallenge, aMail, aSignIn, at, aUser, newPrefix, openStorer, putPast } from "./support/rows.ts";
import { type EtcdServer, freePort, newServer, withoutEtcd } from "./support/servers.ts";

const unavailable = { code: "CASTELLAN_UNAVAILABLE", status: 503, cause: expect.any(Error) };

let server: EtcdServer;
beforeAll(async () => {
  if (!withoutEtcd) server = await newServer();
});
beforeEach(async () => {
  // A test may have left it frozen or stopped.
  server?.wake();
  await server?.start();
});
afterAll(() => server?.end());

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

describe.skipIf(withoutEtcd)("a server that goes away", () => {
  it("makes every operation reject as unavailable, and within five tries after its return all is as it was, without a restart of ours", async () => {
    const storer = await openStorer(server);
    await fill(storer);
    for (const _ of [1, 2]) {
      await server.stop();
      const calls = Object.entries(everything(storer));
      await Promise.all(calls.map(([name, work]) => expect(work(), name).rejects.toMatchObject(unavailable)));
      await server.start();
      expect(await triesUntil(5, () => storer.load("pid-ann"))).toBeLessThanOrEqual(5);
      expect(await storer.findSignIn("key-ann", at(0))).toMatchObject({
        user: { pid: "pid-ann", epoch: 0 },
        signIn: { id: "sign-in-ann" },
      });
      expect(await storer.load("pid-bob")).toBeNull();
    }
    expect(await storer.consumeChallenge("challenge-ann", "session-ann", at(0))).not.toBeNull();
  });

  it("between two requests costs nobody anything: connections that were kept are not trusted", async () => {
    const storer = await openStorer(server);
    await storer.createUser(aUser("ann"));
    // Several connections, all of which break.
    await Promise.all(Array.from({ length: 10 }, () => storer.load("pid-ann")));
    await server.stop();
    await server.start();
    expect(await triesUntil(2, () => storer.advanceEpoch("pid-ann"))).toBeLessThanOrEqual(2);
    const loads = await Promise.all(Array.from({ length: 10 }, () => storer.load("pid-ann")));
    expect(loads.every((user) => user !== null)).toBe(true);
  });

  it("by freezing is given up after the timeout, and answers again when it wakes", async () => {
    const storer = await openStorer(server, { timeout: seconds(0.2) });
    await storer.createUser(aUser("ann"));
    await server.freeze();
    await expect(storer.load("pid-ann")).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining("no answer within 200 ms"),
    });
    // Those who wait behind the first one wait no longer than they may, either.
    const late = ["hash-1", "hash-2", "hash-3"].map((hash) => storer.setPasswordHash("pid-ann", hash));
    await Promise.all(late.map((one) => expect(one).rejects.toMatchObject({ code: "CASTELLAN_UNAVAILABLE" })));
    server.wake();
    expect(await triesUntil(5, () => storer.load("pid-ann"))).toBeLessThanOrEqual(5);
  });

  it("by never having been there is unavailable to `ready`, too", async () => {
    const storer = await openStorer({ uri: `etcd://127.0.0.1:${await freePort()}` });
    await expect(storer.ready()).rejects.toMatchObject(unavailable);
  });

  it("tells the log, and not by its message or its cause, what was to be stored", async () => {
    const storer = await openStorer(server);
    await server.stop();
    const failure: unknown = await storer
      .createUser(aUser("ann", { passwordHash: "the-hash", login: "the-login" }))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Unavailable);
    const secrets = ["the-hash", "the-login"].flatMap((text) => [text, Buffer.from(text).toString("base64").slice(0, 8)]);
    for (let error: unknown = failure; error instanceof Error; error = error.cause) {
      const all = [String(error), JSON.stringify(error), ...Object.values(error).map((value) => JSON.stringify(value) ?? "")];
      for (const secret of secrets) expect(all.join("\n")).not.toContain(secret);
    }
  });
});

/** What is done and acknowledged until the server is killed, by 30 at once. */
class Load {
  readonly asked: string[] = [];
  readonly registered: string[] = [];
  readonly spent: string[] = [];
  readonly signedOut: string[] = [];
  counted = 0;
  uses = 0;
  isOver = false;

  async run(storer: EtcdStorer, onAcknowledged: () => void): Promise<void> {
    const worker = async (_: unknown, number: number) => {
      for (let nth = 0; !this.isOver; nth += 1) {
        await this.#one(storer, `user-${number}-${nth}`).catch((error: unknown) => {
          if (!(error instanceof Unavailable)) throw error;
        });
        onAcknowledged();
      }
    };
    await Promise.all(Array.from({ length: 30 }, worker));
  }

  async #one(storer: EtcdStorer, name: string): Promise<void> {
    this.asked.push(name);
    if (await storer.createUser(aUser(name))) this.registered.push(name);
    this.uses += 1;
    if ((await storer.countUse("uses", 100_000, 1000, at(0))).admitted) this.counted += 1;
    await storer.createChallenge(aChallenge(name));
    if (await storer.consumeChallenge(`challenge-${name}`, `session-${name}`, at(0))) this.spent.push(name);
    await storer.createSignIn(`key-${name}`, aSignIn(name));
    if (await storer.endSignIn(`key-${name}`)) this.signedOut.push(name);
  }
}

describe.skipIf(withoutEtcd)("a server that is killed in the middle of it all", () => {
  it("has lost nothing that was acknowledged, and done nothing twice", async () => {
    const storer = await openStorer(server);
    const load = new Load();
    let killed: Promise<void> | null = null;
    await load.run(storer, () => {
      if (load.signedOut.length < 60) return;
      load.isOver = true;
      killed ??= server.stop();
    });
    await killed;
    await server.start();
    await triesUntil(5, () => storer.load("pid-nobody"));
    for (const name of load.registered) expect(await storer.findByLogin(name), name).toMatchObject({ pid: `pid-${name}` });
    for (const name of load.spent) expect(await storer.findChallenge(`challenge-${name}`, `session-${name}`, at(0)), name).toBeNull();
    for (const name of load.signedOut) expect(await storer.findSignIn(`key-${name}`, at(0)), name).toBeNull();
    // Of the others each is there whole, or its login and pid are free.
    for (const name of load.asked.filter((one) => !load.registered.includes(one))) {
      const user = await storer.findByLogin(name);
      expect(await storer.load(`pid-${name}`), name).toEqual(user);
      expect(await storer.createUser(aUser(name)), name).toBe(user === null);
    }
    let left = 0;
    while ((await storer.countUse("uses", load.uses, 1000, at(0))).admitted) left += 1;
    const stored = load.uses - left;
    expect(stored).toBeGreaterThanOrEqual(load.counted);
    expect(stored).toBeLessThanOrEqual(load.uses);
  });
});

describe.skipIf(withoutEtcd)("a server whose quota is used up", () => {
  it("refuses what would add to it, with nothing half done; answers, signs out and sweeps; and works again when there is room", async () => {
    const full = await newServer({ flags: ["--quota-backend-bytes", String(1024 * 1024)] });
    onTestFinished(() => full.end());
    const storer = await openStorer(full);
    await storer.ready();
    await fill(storer);
    let sessions = 0;
    const fillUp = async () => {
      for (;;) {
        await storer.saveSession(`session-${sessions}`, { data: "x".repeat(50_000), expiresAt: at(1) });
        sessions += 1;
      }
    };
    const spaceless = { ...unavailable, message: expect.stringContaining("compact and defragment it") };
    await expect(fillUp()).rejects.toMatchObject(spaceless);
    await expect(storer.createUser(aUser("bob"))).rejects.toMatchObject(spaceless);
    await expect(storer.changePasswordHash("pid-ann", 0, "new")).rejects.toMatchObject(spaceless);
    await expect(storer.replaceSignIn("key-ann", { key: "next", level: "full", factors: [], epoch: 0 }, at(0))).rejects.toMatchObject(
      spaceless,
    );
    await expect(storer.queueMail(aMail("ann"))).rejects.toMatchObject(spaceless);
    await expect(storer.ready()).rejects.toMatchObject(spaceless);
    expect(await storer.load("pid-bob")).toBeNull();
    expect(await storer.findByLogin("bob")).toBeNull();
    expect(await storer.findSignIn("next", at(0))).toBeNull();
    expect(await storer.findSignIn("key-ann", at(0))).toMatchObject({ user: { epoch: 0, passwordHash: "hash" } });
    // The one that met the quota first was refused, and may be stored all the same: whole, as after a lost answer.
    const last = await storer.loadSession(`session-${sessions}`, at(0));
    if (last) expect(last.data).toHaveLength(50_000);

    expect(await storer.endSignIn("key-ann")).toBe(true);
    expect(await storer.findSignIn("key-ann", at(0))).toBeNull();
    expect(await storer.sweep(at(2), 1000)).toBe(last ? sessions + 1 : sessions);

    const { header } = await full.call("/v3/kv/range", { key: "AA==" });
    const { revision } = header as { revision: string }; // as etcd documents it
    await full.call("/v3/kv/compaction", { revision, physical: true });
    await full.call("/v3/maintenance/defragment", {});
    const { alarms } = await full.call("/v3/maintenance/alarm", { action: "GET" });
    for (const alarm of alarms as object[]) await full.call("/v3/maintenance/alarm", { ...alarm, action: "DEACTIVATE" }); // the same
    expect(await storer.createUser(aUser("bob"))).toBe(true);
    expect(await storer.changePasswordHash("pid-ann", 0, "new")).toBe(1);
  });
});

describe.skipIf(withoutEtcd)("a row that others have written into", () => {
  it.each(["no JSON", "{}", "null", '{"pid":1}'])("is a failure, and never 'not found': %s", async (value) => {
    const prefix = newPrefix();
    const storer = await etcd(`${server.uri}/${prefix}`);
    onTestFinished(() => storer.close());
    await fill(storer);
    for (const row of ["user/pid-ann", "sign-ins/pid-ann/sign-in-ann", "session/session-ann"])
      await putPast(server, `${prefix}/${row}`, value);
    await expect(storer.load("pid-ann")).rejects.toMatchObject(unavailable);
    await expect(storer.findByLogin("ann")).rejects.toMatchObject(unavailable);
    await expect(storer.findSignIn("key-ann", at(0))).rejects.toMatchObject(unavailable);
    await expect(storer.loadSession("session-ann", at(0))).rejects.toMatchObject(unavailable);
    await expect(storer.createUser(aUser("other", { login: "ann" }))).resolves.toBe(false);
  });
});

describe.skipIf(withoutEtcd)("a closed storer", () => {
  it("rejects every operation, and may be closed again, also while its server is away", async () => {
    const storer = await openStorer(server);
    await storer.createUser(aUser("ann"));
    await server.stop();
    await storer.close();
    await storer.close();
    for (const [name, work] of Object.entries(everything(storer))) await expect(work(), name).rejects.toThrow(/closed/);
    await expect(storer.ready()).rejects.toThrow(Unavailable);
  });

  it("is closed within the timeout while its server is frozen", async () => {
    const storer = await openStorer(server, { timeout: seconds(0.2) });
    await storer.createUser(aUser("ann"));
    await server.freeze();
    const late = expect(storer.load("pid-ann")).rejects.toMatchObject(unavailable);
    await storer.close();
    await late;
    server.wake();
  });

  it("lets what is under way finish", async () => {
    const storer = await openStorer(server);
    await storer.createUser(aUser("ann"));
    const epoch = storer.advanceEpoch("pid-ann");
    await storer.close();
    expect(await epoch).toBe(1);
  });
});
