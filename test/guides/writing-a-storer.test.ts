/** The storer that docs/guides/writing-a-storer.md shows keeps every promise of its capabilities, and signs people in. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { logout } from "@castellan/logout";
import { authableConformance, conformance, harness, serverStorerConformance, TEST_SECRET } from "@castellan/testkit";
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite";
import { castellan, sealedSessions } from "castellan";
import express from "express";
import { describe, it, onTestFinished } from "vitest";
import { peopleStorer } from "./people-storer.ts";

/** The table of an application that has never heard of Castellan. */
function people(): DatabaseSyncInstance {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE people (id TEXT PRIMARY KEY, mail TEXT UNIQUE, secret TEXT, likes_tea INTEGER NOT NULL DEFAULT 1)");
  return database;
}

const addPerson = (
  database: DatabaseSyncInstance,
  { pid, login, passwordHash }: { pid: string; login: string; passwordHash: string | null },
): void => void database.prepare("INSERT INTO people (id, mail, secret) VALUES (?, ?, ?)").run(pid, login, passwordHash);

describe("the storer of the guide", () => {
  const databases = new WeakMap<object, DatabaseSyncInstance>();
  conformance(
    {
      make() {
        const database = people();
        const storer = peopleStorer(database);
        databases.set(storer, database);
        return storer;
      },
      async addUser(storer, user) {
        const database = databases.get(storer);
        assert.ok(database);
        addPerson(database, user);
      },
      removeUser: async (storer, pid) => void databases.get(storer)?.prepare("DELETE FROM people WHERE id = ?").run(pid),
    },
    { describe, it },
    [serverStorerConformance, authableConformance],
  );

  it("lets people in who were there before, and out for good", async () => {
    const database = people();
    const app = await harness({
      gate: (options) =>
        castellan({
          ...options,
          storer: peopleStorer(database),
          sessions: sealedSessions({ secret: TEST_SECRET }),
          modules: { auth: auth(), logout: logout() },
        }),
      app(gate) {
        const started = express();
        started.use(gate.clientState());
        started.use("/auth", gate.router);
        started.get("/", gate.require(), (req, res) => void res.send(`hello ${gate.user(req).login}`));
        return started;
      },
    });
    onTestFinished(() => app.close());
    addPerson(database, { pid: "7", login: "ann@example.com", passwordHash: await app.hasher.hash("correct horse battery staple") });
    const browser = app.browser();
    const { page } = await browser.get("/auth/login");
    const inside = await page.form("/auth/login").submit({ email: "ann@example.com", password: "correct horse battery staple" });
    assert.equal(inside.text, "hello ann@example.com");
    const copy = browser.fork();
    assert.equal((await browser.json("POST", "/auth/logout", {})).status, 200);
    assert.equal((await copy.json("GET", "/")).status, 401);
  });
});
