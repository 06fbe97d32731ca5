import assert from "node:assert/strict";
import { allConformance, conformance, failuresOf, type MemoryStorer, memoryStorer, runCase } from "@castellan/testkit";
import { describe, it } from "vitest";

const backend = { make: memoryStorer, removeUser: (storer: MemoryStorer, pid: string) => storer.removeUser(pid) };

describe("the memory storer", () => {
  conformance(backend, { describe, it });

  it("rejects every operation with the given error while its database is away, and works again afterwards", async () => {
    const storer = memoryStorer();
    const error = new Error("away");
    storer.fail(error);
    await assert.rejects(storer.load("pid"), error);
    await assert.rejects(storer.sweep(new Date(0), 1), error);
    storer.fail(null);
    assert.equal(await storer.load("pid"), null);
  });

  it("counts its operations by name, and hands the counts out as a copy", async () => {
    const storer = memoryStorer();
    await storer.load("pid");
    const before = storer.queries;
    await Promise.all([storer.load("pid"), storer.findByLogin("login")]);
    assert.deepEqual(before, { load: 1 });
    assert.deepEqual(storer.queries, { load: 2, findByLogin: 1 });
  });

  it("dumps a copy of what it holds", async () => {
    const storer = memoryStorer();
    await storer.saveSession("key", { data: "{}", expiresAt: new Date(1) });
    storer.dump().sessions.get("key")?.expiresAt.setTime(9);
    assert.deepEqual([...storer.dump().sessions], [["key", { data: "{}", expiresAt: new Date(1) }]]);
    assert.deepEqual(storer.dump().users, []);
  });
});

describe("the suites", () => {
  it("have a title of its own for each promise", () => {
    for (const { cases } of allConformance) assert.equal(new Set(cases.map(({ title }) => title)).size, cases.length);
  });

  it("keep to the contract themselves: no key and no id is used for a second row, as none is in real life", async () => {
    const make = (): MemoryStorer => {
      const storer = memoryStorer();
      const used = new Set<string>();
      const once = (...names: readonly string[]) => {
        for (const name of names) assert.equal(used.has(name), false, `${name} is used twice`);
        for (const name of names) used.add(name);
      };
      return {
        ...storer,
        createSignIn: async (key, signIn) => {
          const made = await storer.createSignIn(key, signIn);
          if (made) once(key, signIn.id);
          return made;
        },
        createChallenge: (challenge) => {
          once(challenge.id);
          return storer.createChallenge(challenge);
        },
        startConfirmation: (token) => {
          once(token.selector);
          return storer.startConfirmation(token);
        },
        startRecovery: (tokens) => {
          once(...tokens.map(({ selector }) => selector));
          return storer.startRecovery(tokens);
        },
        startUnlock: (token) => {
          once(token.selector);
          return storer.startUnlock(token);
        },
        addRememberSeries: async (series) => {
          const made = await storer.addRememberSeries(series);
          if (made) once(series.selector);
          return made;
        },
        startFlow: (flow) => {
          once(flow.key);
          return storer.startFlow(flow);
        },
        queueMail: (mail) => {
          once(mail.id);
          return storer.queueMail(mail);
        },
      };
    };
    for (const suite of allConformance) assert.deepEqual(await failuresOf({ make }, suite), []);
  });

  it("say what is missing when a storer cannot make users and no `addUser` was given", async () => {
    const { createUser: _, ...rest } = memoryStorer();
    const [first] = allConformance[0]?.cases ?? [];
    assert.ok(first);
    // Plain JavaScript may leave an operation out, which the type of the suite does not allow.
    const make = (): MemoryStorer => rest as MemoryStorer;
    await assert.rejects(runCase({ make }, first), /give the suites an `addUser`/);
  });
});
