import { seconds } from "@castellan/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { mysqlDialect } from "../src/mysql/dialect.ts";
import { postgresDialect } from "../src/postgres/dialect.ts";
import type { Dialect } from "../src/storer.ts";
import { type Engine, engines } from "./support/engines.ts";
import { fill, operations, pairs } from "./support/operations.ts";
import { aMail, aPolicy, aSeries, at, aUser } from "./support/places.ts";
import { fillMysql, plansOfMysql, plansOfPostgres } from "./support/plans.ts";
import type { TestServer } from "./support/servers.ts";

type Text = { readonly sql: string; readonly locked?: string; readonly before?: string };

/** By name; the texts of one that takes a lock, one after the other. */
function textsOf({ sweeps, ...dialect }: Dialect): readonly (readonly [name: string, sql: string])[] {
  const named = Object.values(dialect).flatMap((statements): [string, Text][] => Object.entries(statements));
  const all: readonly (readonly [string, Text])[] = [...named, ...sweeps.map((sweep, index) => [`sweep ${index}`, sweep] as const)];
  return all.flatMap(([name, { before, locked, sql }]) => [before, locked, sql].flatMap((text) => (text ? [[name, text] as const] : [])));
}

const dialects: Readonly<Record<string, readonly (readonly [name: string, sql: string])[]>> = {
  PostgreSQL: textsOf(postgresDialect),
  MariaDB: textsOf(mysqlDialect),
};

const textsFor = ({ name }: Engine) => dialects[name] ?? [];

describe.each(engines)("the statements for $name", (engine) => {
  it("hold no value but by a placeholder, and a few fixed words", () => {
    for (const [name, sql] of textsFor(engine)) {
      expect(sql.replace(/'(?:[a-z_]+:?|\$(?:\[\*\])?|\$\.[a-z_]+|\[\]|_|\|_?)'/g, ""), name).not.toMatch(/'/);
    }
  });

  describe.skipIf(engine.isMissing)("on a server", () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await engine.start();
      const storer = await engine.open(server.uri);
      await storer.ready();
      await storer.close();
    });
    afterAll(() => server?.end());
    beforeEach(() => engine.empty(server.uri));

    /** A storer with a row of each kind, and the statements that it has run since. */
    async function watched() {
      const statements: string[] = [];
      const storer = await engine.open({ uri: server.uri, onQuery: (sql) => statements.push(sql) });
      onTestFinished(() => storer.close());
      await fill(storer);
      statements.length = 0;
      return { storer, taken: () => statements.splice(0) };
    }

    it("find their rows by an index", async () => {
      if (engine.name === "MariaDB") await fillMysql(server.uri);
      const plans = await (engine.name === "MariaDB" ? plansOfMysql : plansOfPostgres)(server.uri, textsFor(engine));
      expect(plans.filter(({ scans }) => scans.length > 0)).toEqual([]);
      expect(plans).toHaveLength(textsFor(engine).length);
    });

    it.each(Object.keys(operations).filter((name) => !pairs.includes(name)))(
      "are one for the operation %s, or one transaction whose first takes the row's lock",
      async (name: string) => {
        const { storer, taken } = await watched();
        await operations[name]?.(storer);
        const [first = "", ...others] = taken();
        if (engine.name === "PostgreSQL" || others.length === 0) return expect([first, others]).toEqual([expect.any(String), []]);
        const [deciding = "", ...rest] = others;
        expect(first).toBe("START TRANSACTION");
        expect(deciding).toMatch(/^SELECT[\s\S]*FOR UPDATE|^INSERT[\s\S]*ON DUPLICATE KEY UPDATE/);
        expect(rest.length).toBeLessThanOrEqual(3);
        expect(rest.at(-1)).toMatch(/^(COMMIT|ROLLBACK)$/);
      },
    );

    it.each(pairs)("are in one transaction for the operation %s, and leave nothing open when the first is refused", async (name) => {
      const { storer, taken } = await watched();
      await operations[name]?.(storer);
      expect(taken()).toEqual([expect.stringMatching(/^(BEGIN|START)/), expect.any(String), expect.any(String), ...rest(name), "COMMIT"]);
      // Made already, and of another epoch by now.
      await operations[name]?.(storer);
      expect(taken()).toEqual([expect.stringMatching(/^(BEGIN|START)/), expect.any(String), "ROLLBACK"]);
      expect(await storer.load("pid-ann")).not.toBeNull();
    });
    /** MySQL looks under the lock before it takes an identity away. */
    const rest = (name: string) => (engine.name === "MariaDB" && name === "unlinkIdentity" ? [expect.any(String)] : []);

    it("are named for every operation that the storer has", async () => {
      const { storer } = await watched();
      const names = Object.keys(storer).filter((name) => !["userFields", "ready", "pendingSql", "close", "sweep"].includes(name));
      expect(Object.keys(operations).sort()).toEqual(names.sort());
    });

    it("begin a lock once, and tell when it ends", async () => {
      const { storer } = await watched();
      const attempt = () => storer.admitAttempt("pid:pid-ann", aPolicy, at(1));
      expect(await attempt()).toEqual({ admitted: true });
      expect(await attempt()).toMatchObject({ admitted: false, lockedNow: true });
      expect(await attempt()).toMatchObject({ admitted: false, lockedNow: false });
    });

    it("hand each mail to one of many who claim at the same time, and none twice", async () => {
      const { storer } = await watched();
      for (const name of "bcdefghijklmnopqrst") await storer.queueMail(aMail(name));
      const claims = await Promise.all(Array.from({ length: 10 }, () => storer.claimMails(at(1), at(2), 3)));
      const ids = claims.flat().map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it("sweep nothing that somebody prolongs at the same time", async () => {
      const { storer } = await watched();
      for (let round = 0; round < 20; round += 1) {
        const keys = Array.from({ length: 10 }, (_, index) => `${round} ${index}`);
        for (const key of keys) await storer.saveSession(key, { data: "old", expiresAt: at(1) });
        await Promise.all([
          ...keys.map((key) => storer.saveSession(key, { data: "new", expiresAt: at(1000) })),
          storer.sweep(at(1), 5),
          storer.sweep(at(1), 5),
        ]);
        for (const key of keys) expect(await storer.loadSession(key, at(1)), key).toMatchObject({ data: "new" });
      }
    });

    it("rotate a series once for many at the same time, the others in grace", async () => {
      const { storer } = await watched();
      const kinds = await Promise.all(
        Array.from({ length: 20 }, (_, index) => storer.rotateRememberSeries(aSeries("ann"), `next ${index}`, seconds(30), at(1))),
      );
      expect(kinds.map((rotation) => rotation?.kind).sort()).toEqual([...Array(19).fill("grace"), "rotated"]);
    });

    it("take a user who is deleted meanwhile for nobody, and not for a failure", async () => {
      const { storer } = await watched();
      await storer.createUser(aUser("bob"));
      const linking = operations["linkIdentity"];
      await Promise.all([engine.within(server.uri, (all) => all("DELETE FROM castellan_user")), linking?.(storer)]);
      expect(await storer.listIdentities("pid-ann")).toEqual([]);
    });
  });
});
