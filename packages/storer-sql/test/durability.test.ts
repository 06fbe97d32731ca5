import { readFile, stat } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { aSignIn, at, aUser, newFile, openStorer, withFile } from "./support/places.ts";
import { startChild } from "./support/processes.ts";

/** After how many acknowledgements the process is killed, round by round. */
const KILLED_AFTER = [3, 50, 137, 211, 404];

describe("what was acknowledged", () => {
  it("is all there after kill -9 in the middle of a load, round after round on one file", async () => {
    const file = await newFile();
    let counted = 0;
    for (const [round, acknowledgements] of KILLED_AFTER.entries()) {
      const child = startChild("load", [file, String(round)]);
      await child.printed(acknowledgements);
      child.process.kill("SIGKILL");
      const lines = await child.ended;
      expect(lines.length).toBeGreaterThanOrEqual(acknowledgements);

      const storer = await openStorer(file);
      const named = (what: string) => new Set(lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.split(" ")[1]));
      const [ended, changed, mailed, recovered] = ["signed-out", "changed", "mailed", "recovered"].map(named);
      const stillQueued = await withFile(
        file,
        (all) => new Set(all("SELECT public_id FROM castellan_mail").map((row) => Object(row).public_id)),
      );
      for (const line of lines) {
        const [what, name = ""] = line.split(" ");
        const user = await storer.load(`pid-${name}`);
        if (what === "registered") expect(user?.login, line).toBe(name);
        if (what === "spent") expect(await storer.consumeChallenge(`challenge-${name}`, `session-${name}`, at(1)), line).toBeNull();
        if (what === "signed-out") expect(await storer.findSignIn(`key-${name}`, at(1)), line).toBeNull();
        // The last user may have got further than its last acknowledgement.
        const isLast = lines.at(-1)?.endsWith(` ${name}`);
        if (what === "signed-in" && !ended?.has(name) && !changed?.has(name) && !isLast) {
          expect(await storer.findSignIn(`key-${name}`, at(1)), line).not.toBeNull();
        }
        if (what === "saved") expect(storer.loadSession(`key-${name}`, at(1))?.data, line).toBe(`{"of":"${name}"}`);
        if (what === "queued" && !mailed?.has(name) && !isLast) expect(stillQueued.has(`mail-${name}`), line).toBe(true);
        if (what === "mailed") expect(stillQueued.has(`mail-${name}`), line).toBe(false);
        if (what === "changed" && !recovered?.has(name) && !isLast) {
          expect(user, line).toMatchObject({ epoch: 1, passwordHash: `hash of ${name}` });
        }
        if (what === "recovered") {
          expect(user, line).toMatchObject({ epoch: 2, passwordHash: `recovered by ${name}` });
          expect(await storer.findRecovery({ selector: `link-${name}`, verifierHash: `verifier-${name}` }, at(1)), line).toBeNull();
        }
        if (what === "counted") counted += 1;
      }
      expect(await withFile(file, (all) => all("PRAGMA integrity_check"))).toEqual([{ integrity_check: "ok" }]);
      const uses = await withFile(file, (all) => all("SELECT uses FROM castellan_count WHERE key = 'uses'"));
      const [{ uses: stored }] = uses.length > 0 ? (uses as [{ uses: number }]) : [{ uses: 0 }];
      expect(stored).toBeGreaterThanOrEqual(counted);
      expect(stored - counted).toBeLessThanOrEqual(1 + round);
      await storer.close();
    }
  });

  it("is all there after the disk refused a write; the refused write is Unavailable, reading goes on, and so does writing afterwards", async () => {
    const file = await newFile();
    const lines = await startChild("fill", [file], 1000).ended;
    const acknowledged = lines.filter((line) => line.startsWith("epoch ")).map((line) => Number(line.slice("epoch ".length)));
    expect(lines).toContain("refused CASTELLAN_UNAVAILABLE 503");
    expect(lines).toContain("reads ann");
    expect(lines.indexOf("reads ann")).toBe(lines.length - 2);
    expect(acknowledged.length).toBeGreaterThan(10);
    expect(acknowledged).toEqual(acknowledged.map((_, index) => index + 1));

    const storer = await openStorer(file);
    expect(await storer.load("pid-ann")).toMatchObject({ epoch: acknowledged.length, passwordHash: expect.stringMatching(/^again /) });
  });

  it("is there again after closing and reopening", async () => {
    const file = await newFile();
    const first = await openStorer(file);
    await first.createUser(aUser("ann", { profile: { town: "Zürich" } }));
    await first.createSignIn("key", aSignIn("ann"));
    const before = await first.findSignIn("key", at(1));
    await first.close();

    const second = await openStorer(file);
    expect(await second.findSignIn("key", at(1))).toEqual(before);
    expect(before?.user.profile).toEqual({ town: "Zürich" });
  });
});

describe("a database file", () => {
  it("that is made can be read by its owner only, and so can its companions", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    await storer.createUser(aUser("ann"));
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect((await stat(name)).mode & 0o777, name).toBe(0o600);
  });

  it("never holds a user's deleted row under an id that is given out again", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    await storer.createUser(aUser("ann"));
    await storer.createSignIn("key of ann", aSignIn("ann"));
    // As an administrator might, with a tool that leaves foreign keys unchecked.
    await withFile(file, (_, exec) => exec("PRAGMA foreign_keys = OFF; DELETE FROM castellan_user"));
    await storer.createUser(aUser("bob"));
    expect(await storer.findSignIn("key of ann", at(1))).toBeNull();
    expect(await storer.listSignIns("pid-bob", at(1))).toEqual([]);
  });

  it("is in WAL mode", async () => {
    const file = await newFile();
    await (await openStorer(file)).close();
    // Bytes 18 and 19 of the header: 2 is WAL.
    expect([...(await readFile(file)).subarray(18, 20)]).toEqual([2, 2]);
  });
});
