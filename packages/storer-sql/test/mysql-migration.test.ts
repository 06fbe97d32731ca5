import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { migrations } from "../src/mysql/schema.ts";
import { engines } from "./support/engines.ts";
import { aUser } from "./support/places.ts";
import type { TestServer } from "./support/servers.ts";

const [engine] = engines.filter(({ name }) => name === "MariaDB");
if (!engine) throw new Error("there is no MariaDB among the engines");

/** These servers commit each statement of a migration by itself. */
describe.skipIf(engine.isMissing)("a migration that was stopped half-way on MariaDB", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await engine.start();
  });
  afterAll(() => server?.end());
  beforeEach(() => engine.dropAll(server.uri));

  const last = (migrations[0]?.statements.length ?? 0) - 1;

  /** Runs it, and stands still for good before the `nth` statement of its own, or after it. */
  async function stopAt(nth: number, moment: "before" | "after"): Promise<void> {
    const sql = migrations[0]?.statements ?? [];
    const done = sql.slice(0, moment === "after" ? nth + 1 : nth);
    await engine?.within(server.uri, async (all) => {
      await all(engine.migrationSql().split(";\n")[0] ?? "");
      for (const statement of done) await all(statement);
      await all(`INSERT INTO castellan_schema (version, name, steps, begun) VALUES (1, 'stopped', ${nth}, ${nth + 1})`);
    });
  }

  it.each([
    [0, "before"],
    [0, "after"],
    [2, "before"],
    [2, "after"],
    [last, "before"],
    [last, "after"],
  ] as const)("goes on at statement %i, stopped %s it was done", async (nth, moment) => {
    await stopAt(nth, moment);
    const statements: string[] = [];
    const storer = await engine.open({ uri: server.uri, onQuery: (sql) => statements.push(sql) });
    // What is printed is what is left.
    const pending = await storer.pendingSql();
    expect(pending.match(/^CREATE /gm)).toHaveLength(last + 1 - nth);
    await storer.ready();
    expect(await storer.pendingSql()).toBe("");
    expect(statements.filter((sql) => /^CREATE (TABLE castellan_(?!schema)|INDEX)/.test(sql))).toHaveLength(last + 1 - nth);
    expect(await storer.createUser(aUser("ann"))).toBe(true);
    await storer.ready();
    await storer.close();
    expect(await engine.within(server.uri, (all) => all("SELECT version, steps, begun FROM castellan_schema"))).toEqual([
      { version: 1, steps: last + 1, begun: last + 1 },
    ]);
  });
});
