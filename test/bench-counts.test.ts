/** What `npm run bench` counts is what happens, and what it times by itself is what a server does. */
import { on, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStorer } from "castellan";
import { afterAll, describe, expect, it } from "vitest";
import { loginOf, makeAccountsIn, NO_COST, removeAccounts } from "../bench/lib/accounts.mjs";
import { withEngines } from "../bench/lib/engines.mjs";
import { fill, sizesOf, someOf } from "../bench/lib/filling.mjs";
import { countFlows, type Flow } from "../bench/lib/flows.mjs";
import { relayTo } from "../bench/lib/relay.mjs";
import { told } from "../bench/lib/told.mjs";
import { inTurns } from "../bench/lib/turns.mjs";
import { signedIn, worksOn } from "../bench/lib/works.mjs";

const folder = mkdtempSync(join(tmpdir(), "castellan-bench-counts-"));
afterAll(() => {
  removeAccounts();
  rmSync(folder, { recursive: true, force: true });
});

const operationsOf = (flows: readonly Flow[], name: string) => flows.find((flow) => flow.name === name)?.operations;

describe.each(["sqlite", "file"])("what the bench times by itself on %s:", (scheme) => {
  it("is what a server asks of the storer for a page of a user, a login and a registration", async () => {
    const uri = `${scheme}://${join(folder, `app-${scheme}`)}`;
    await makeAccountsIn(uri, { cost: NO_COST });
    const flows = await countFlows({ uri }, { turns: 2 });
    const opened = await openStorer(uri);
    await opened.ready?.();
    try {
      const now = new Date();
      const asked: string[] = [];
      const works = worksOn(
        told(opened, (operation) => asked.push(operation)),
        await signedIn(opened, [loginOf(1)], now),
        now,
      );
      // Making the works asks once whether sessions are answered at once.
      asked.length = 0;
      await works.check();
      expect(asked.splice(0)).toEqual(operationsOf(flows, "a page of a user (session check)"));
      await works.login();
      expect(asked.splice(0)).toEqual(operationsOf(flows, "a login"));
      await works.registration();
      expect(asked.splice(0)).toEqual(operationsOf(flows, "registration, signed in by it"));
    } finally {
      await opened.close?.();
    }
  });
});

describe("a database that is filled past its storer", () => {
  it("has users who are signed in, as the storer sees it, and room that grows with them", async () => {
    const uri = `sqlite://${join(folder, "filled.db")}`;
    const storer = await openStorer(uri);
    await storer.ready?.();
    try {
      const now = new Date();
      await fill(uri, 1, 100, now);
      const before = await sizesOf(uri);
      await fill(uri, 101, 400, now);
      const after = await sizesOf(uri);
      for (const [place, bytes] of after.entries()) expect(bytes).toBeGreaterThan(before[place] ?? Number.NaN);
      const picked = await someOf(uri, [1, 250, 400]);
      expect(picked.map(({ login }) => login)).toEqual(["user1@example.test", "user250@example.test", "user400@example.test"]);
      for (const { key, pid } of picked) {
        expect((await storer.findSignIn(key, now))?.user.pid).toBe(pid);
        expect(await storer.loadSession(key, now)).not.toBeNull();
      }
      const { check, login, registration } = worksOn(storer, picked, now);
      await inTurns([check, login, registration], { rounds: 2, times: 2 });
    } finally {
      await storer.close?.();
    }
  });
});

describe("the relay of the bench", () => {
  it("counts a question and its answer once, in however many pieces they come", async () => {
    const server = createServer((socket) => {
      let text = "";
      socket.on("data", (data) => {
        text += data.toString();
        if (!text.endsWith("?")) return;
        text = "";
        socket.write("first,");
        socket.write(Buffer.alloc(200_000, "x"));
        socket.write("!");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const relay = await relayTo(`redis://127.0.0.1:${Object(server.address()).port}`);
    expect(relay).not.toBeNull();
    const socket = connect(Number(new URL(relay?.uri ?? "").port), "127.0.0.1");
    const answered = async () => {
      for await (const [data] of on(socket, "data")) if (String(data).endsWith("!")) return;
    };
    for (let question = 1; question <= 3; question += 1) {
      const answer = answered();
      socket.write("who ");
      socket.write("is there?");
      await answer;
      expect(relay?.roundTrips()).toBe(question);
    }
    socket.destroy();
    await relay?.stop();
    server.close();
  });
});

describe("an engine on which something fails", () => {
  it("keeps no other from being measured, and makes the program end with an error", async () => {
    const said: string[] = [];
    const worked: string[] = [];
    const settings = { databases: [], engines: ["SQLite", "JSON file"], log: (line: string) => said.push(line) };
    await withEngines(settings, async ({ name }) => {
      if (name === "SQLite") throw new Error("the disk is full");
      worked.push(name);
    });
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
    expect(worked).toEqual(["JSON file"]);
    expect(said).toEqual([expect.stringContaining("SQLite failed: Error: the disk is full")]);
  });
});

describe("an engine that is not there", () => {
  it("is left out, and said; one that nobody knows is an error", async () => {
    const said: string[] = [];
    const log = (line: string) => said.push(line);
    const work = async () => expect.unreachable("there is nothing to measure");
    await withEngines({ databases: ["Nothing=nothing://127.0.0.1/app"], engines: ["Nothing"], log }, work);
    expect(said).toEqual([expect.stringMatching(/^Nothing is left out: .*nothing:\/\//s)]);
    await expect(withEngines({ databases: [], engines: ["Abacus"], log }, work)).rejects.toThrow(
      /no such engine: Abacus; there are SQLite/,
    );
  });
});
