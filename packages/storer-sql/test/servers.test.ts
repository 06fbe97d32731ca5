import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { ConfigError, type Duration, seconds } from "@castellan/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { LOCK } from "../src/postgres/schema.ts";
import { engines } from "./support/engines.ts";
import { aMail, anIdentity, aSignIn, at, aUser } from "./support/places.ts";
import { startTen } from "./support/processes.ts";
import { raceOfTwo } from "./support/races.ts";
import type { TestServer } from "./support/servers.ts";

const unavailable = { code: "CASTELLAN_UNAVAILABLE", status: 503 };

describe.each(engines)("a storer on $name", (engine) => {
  describe.skipIf(engine.isMissing)("that runs", () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await engine.start();
    });
    afterAll(() => server?.end());
    beforeEach(() => engine.dropAll(server.uri));

    /** A storer that is ready, and closed when the test is over. */
    async function open(
      options: { readonly connections?: number; readonly statementTimeout?: Duration; readonly onQuery?: (sql: string) => void } = {},
    ) {
      const storer = await engine.open({ uri: server.uri, connectTimeout: seconds(2), statementTimeout: seconds(2), ...options });
      onTestFinished(() => storer.close());
      await storer.ready();
      return storer;
    }

    it("lets ten processes start at once on an empty database: one makes the schema, all of them work", async () => {
      const lines = await startTen(server.uri);
      expect(lines.filter((line) => line === "made 1")).toHaveLength(1);
      expect(lines.filter((line) => line === "made 0")).toHaveLength(9);
      expect(lines.filter((line) => line === "registered true")).toHaveLength(10);
      const [users] = await engine.within(server.uri, (all) => all("SELECT count(*) AS users FROM castellan_user"));
      expect(Number(users?.["users"])).toBe(10);
    });

    it("lets exactly one of two processes win whatever there is to win, and both count together", async () => {
      await raceOfTwo(await open(), server.uri, 60);
    });

    it("only reads when the schema is up to date", async () => {
      await (await open()).close();
      const statements: string[] = [];
      await open({ onQuery: (sql) => statements.push(sql) });
      expect(statements.filter((sql) => !/^(SELECT|BEGIN|COMMIT)/.test(sql))).toEqual([]);
    });

    it("works on what the printed SQL has made, and has then nothing to add", async () => {
      const before = await engine.open(server.uri);
      expect(await before.pendingSql()).toBe(engine.migrationSql());
      await engine.within(server.uri, (all) => all(engine.migrationSql()));
      expect(await before.pendingSql()).toBe("");
      await before.close();
      const statements: string[] = [];
      const storer = await open({ onQuery: (sql) => statements.push(sql) });
      expect(statements.join("\n")).not.toMatch(/CREATE|ALTER/);
      expect(await storer.createUser(aUser("ann"))).toBe(true);
      expect(engine.migrationSql(1)).toBe("");
    });

    it("refuses a schema that is newer than it knows, and leaves it as it is", async () => {
      await (await open()).close();
      await engine.within(server.uri, (all) =>
        all(
          engine.name === "MariaDB"
            ? "INSERT INTO castellan_schema (version, name, steps, begun) VALUES (99, 'from the future', 0, 0)"
            : "INSERT INTO castellan_schema (version, name) VALUES (99, 'from the future')",
        ),
      );
      await expect(open()).rejects.toThrow(ConfigError);
      await expect(open()).rejects.toThrow(/schema version 99/);
      const storer = await engine.open(server.uri);
      await expect(storer.pendingSql()).rejects.toThrow(/schema version 99/);
      await storer.close();
    });

    it("waits for another process that migrates, longer than any statement may take", async () => {
      // What `ready()` takes, and where somebody else has it for longer than the two limits of a statement, the server's and the client's.
      const name = `castellan:${createHash("sha256").update("auth").digest("hex").slice(0, 32)}`;
      const hold = engine.name === "MariaDB" ? `SELECT get_lock('${name}', 1)` : LOCK.replace("xact_lock", "lock");
      const statements: string[] = [];
      const storer = await engine.open({ uri: server.uri, statementTimeout: seconds(1), onQuery: (sql) => statements.push(sql) });
      onTestFinished(() => storer.close());
      await engine.within(server.uri, async (all) => {
        await all(hold);
        const ready = storer.ready();
        await all(engine.name === "MariaDB" ? "SELECT sleep(2.2)" : "SELECT pg_sleep(2.2)");
        expect(statements.join("\n")).toMatch(/lock/);
        expect(statements.join("\n")).not.toMatch(/CREATE/);
        await all(engine.name === "MariaDB" ? `SELECT release_lock('${name}')` : "SELECT pg_advisory_unlock_all()");
        await ready;
      });
      expect(await storer.createUser(aUser("ann"))).toBe(true);
    });

    it("says what failed while the schema is made, and makes the rest once that is mended", async () => {
      await engine.within(server.uri, (all) => all("CREATE TABLE castellan_session (somebody_elses INT)"));
      await expect(open()).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining("castellan_session") });
      await expect(open()).rejects.toMatchObject(unavailable);
      await engine.within(server.uri, (all) => all("DROP TABLE castellan_session"));
      expect(await (await open()).createUser(aUser("ann"))).toBe(true);
    });

    it("keeps a character that a database may not know, and takes no text without it for the same", async () => {
      const storer = await open();
      const odd = ["a\0b", "a\uE0000b", "a\uE000b", "\0", "\uE000\uE000"];
      for (const login of odd) expect(await storer.createUser(aUser(login, { profile: { login } })), JSON.stringify(login)).toBe(true);
      for (const login of odd) expect(await storer.findByLogin(login)).toMatchObject({ login, profile: { login } });
      expect(await storer.findByLogin("ab")).toBeNull();
      expect(await storer.findSignIn("\0", at(0))).toBeNull();
    });

    it("refuses a text that is too long for its column, and cuts none", async () => {
      const storer = await open();
      const long = "x"
        .repeat(engine.name === "MariaDB" ? 1025 : 10_000)
        .replace(/./g, (_, index: number) => String.fromCharCode(0x4e00 + (index % 20_000)));
      await expect(storer.createUser(aUser(long))).rejects.toMatchObject(unavailable);
      expect(await storer.findByLogin(long.slice(0, 255))).toBeNull();
    });

    it("refuses a value that is no text and no number, and uses the connection on", async () => {
      const storer = await open({ connections: 1 });
      await storer.createUser(aUser("ann"));
      for (const value of [{ $ne: 1 }, undefined, new Date(0), true, ["pid-ann"]]) {
        // As plain JavaScript might: no compiler has looked at it.
        const wrong = value as unknown as string;
        await expect(storer.load(wrong)).rejects.toThrow(TypeError);
        await expect(storer.advanceEpoch(wrong)).rejects.toThrow(TypeError);
        await expect(storer.endSignIns("pid-ann", wrong)).rejects.toThrow(TypeError);
      }
      expect(await storer.load("pid-ann")).toMatchObject({ epoch: 0 });
    });

    it("rejects when a table is lost, and never says 'not found'; its message tells nothing that was stored", async () => {
      const storer = await open();
      await engine.within(server.uri, (all) => all("DROP TABLE castellan_sign_in"));
      await expect(storer.findSignIn("key", at(0))).rejects.toMatchObject(unavailable);
      await expect(storer.endSignIn("key")).rejects.toMatchObject(unavailable);
      await storer.createUser(aUser("ann"));
      const failure: unknown = await storer.createSignIn("the-key", aSignIn("ann")).catch((error: unknown) => error);
      expect(failure).toMatchObject(unavailable);
      expect(String(failure)).not.toContain("the-key");
    });

    it("tries again what a deadlock has taken back, and does it once", async () => {
      const statements: string[] = [];
      const storer = await open({ onQuery: (sql) => statements.push(sql) });
      await storer.createUser(aUser("ann"));
      await storer.linkIdentity("pid-ann", 0, anIdentity("ann"));
      for (let index = 0; index < 20; index += 1) await storer.queueMail(aMail(`${index}`));
      const unlinked = await engine.within(server.uri, async (all) => {
        // Whoever waits for longer gives way (PostgreSQL), or whoever has done less (InnoDB): in both cases not this one.
        if (engine.name === "PostgreSQL") await all("SET deadlock_timeout = '1min'");
        await all("START TRANSACTION");
        await all("UPDATE castellan_mail SET attempts = attempts + 1");
        await all("UPDATE castellan_identity SET provider = provider");
        statements.length = 0;
        const unlinking = storer.unlinkIdentity("pid-ann", 0, "https://id.example", "ann", true);
        // It has the user's row by now, and waits for the identity's.
        while (!statements.some((sql) => /castellan_identity/.test(sql))) await all("SELECT 1");
        await all("UPDATE castellan_user SET email = 'new@example.com'");
        await all("COMMIT");
        return unlinking;
      });
      expect(unlinked).toBe(1);
      expect(statements.filter((sql) => /^(BEGIN|START)/.test(sql)).length).toBeGreaterThan(1);
      expect(await storer.load("pid-ann")).toMatchObject({ epoch: 1, email: "new@example.com" });
      expect(await storer.listIdentities("pid-ann")).toEqual([]);
    });

    it("tells no log what was stored or looked for, where the server quotes it", async () => {
      const storer = await open();
      await storer.createUser(aUser("ann"));
      const secret = `secret-${"x".repeat(3_000_000)}`;
      const failures: unknown[] = [];
      const fails = (operation: Promise<unknown>) => operation.catch((error: unknown) => failures.push(error));
      await storer.queueMail(aMail("secret-id"));
      // Twice the same, a key that fits no index, a number that is none, a time that is none.
      await fails(storer.queueMail(aMail("secret-id")));
      await fails(Promise.resolve(storer.saveSession(secret, { data: "", expiresAt: at(0) })));
      await fails(storer.changePasswordHash("pid-ann", Number.NaN, "secret-hash"));
      await fails(storer.touchSignIn("secret-key", new Date(Number.NaN), at(0)));
      expect(failures.length).toBeGreaterThanOrEqual(2);
      for (const failure of failures) {
        expect(failure).toMatchObject(unavailable);
        expect(inspect(failure, { depth: 9 })).not.toMatch(/secret-/);
      }
    });

    it("waits for a lock no longer than a statement may take, says that it is busy, and works again when it is free", async () => {
      const storer = await open({ statementTimeout: seconds(1) });
      await storer.createUser(aUser("ann"));
      await engine.within(server.uri, async (all) => {
        await all("START TRANSACTION");
        await all("UPDATE castellan_user SET epoch = epoch WHERE pid = 'pid-ann'");
        await expect(storer.setPasswordHash("pid-ann", "new")).rejects.toMatchObject({ ...unavailable, reason: "busy", retryAfter: 1 });
        expect((await storer.load("pid-ann"))?.passwordHash).toBe("hash");
        await all("ROLLBACK");
      });
      expect(await storer.setPasswordHash("pid-ann", "new")).toBe(1);
    });

    it("finishes what is under way when it is closed, and rejects what comes later", async () => {
      const storer = await open({ connections: 2 });
      await storer.createUser(aUser("ann"));
      const underWay = [1, 2].map(() => storer.advanceEpoch("pid-ann"));
      await Promise.all([storer.close(), ...underWay]);
      expect((await Promise.all(underWay)).sort()).toEqual([1, 2]);
      await storer.close();
      await expect(storer.load("pid-ann")).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining("closed") });
      await expect(storer.ready()).rejects.toMatchObject(unavailable);
    });

    it("tells nobody the password of its address when it is turned away", async () => {
      const uri = new URL(server.uri);
      uri.username = "nobody-known";
      uri.password = "hunter2";
      const storer = await engine.open(uri.href);
      const failure: unknown = await storer.ready().catch((error: unknown) => error);
      await storer.close();
      expect(failure).toMatchObject({ ...unavailable, message: expect.stringContaining(`auth on 127.0.0.1:${uri.port}`) });
      expect(String(failure) + JSON.stringify(failure)).not.toContain("hunter2");
    });
  });
});
