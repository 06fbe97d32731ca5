import { describe, expect, it } from "vitest";
import { aChallenge, aFlow, aLink, aMail, anIdentity, aSeries, aSignIn, aUser, newFile, openStorer, withFile } from "./support/places.ts";
import { startChild } from "./support/processes.ts";

describe("several processes on one file", () => {
  it("let exactly one of two win each user, challenge, password change, link, series, mail, replaced sign-in, identity and flow, and count together", async () => {
    const COUNT = 150;
    const file = await newFile();
    const storer = await openStorer(file);
    await storer.createUser(aUser("ann"));
    await storer.createUser(aUser("bob"));
    await storer.createChallenge(aChallenge("tries", { pid: "pid-bob", sessionKey: "session", purpose: "tries", triesLeft: 40 }));
    for (let index = 0; index < COUNT; index += 1) {
      await storer.createChallenge(aChallenge(`r${index}`, { pid: "pid-bob", sessionKey: "session", purpose: `p${index}` }));
      await storer.createSignIn(`key-${index}`, aSignIn("bob", { id: `s${index}` }));
      await storer.createUser(aUser(`l${index}`, { email: `r${index}@example.com` }));
      await storer.startConfirmation(aLink(`r${index}`, { pid: `pid-l${index}` }));
      await storer.addRememberSeries(aSeries(`r${index}`, { pid: "pid-bob", verifierHash: "first" }));
      await storer.queueMail({ ...aMail(""), id: String(index) });
      // Somebody with one identity for each of the two, and no password.
      await storer.createUserWithIdentity(aUser(`u${index}`, { passwordHash: null }), anIdentity(`a${index}`));
      await storer.linkIdentity(`pid-u${index}`, 0, anIdentity(`b${index}`));
      await storer.startFlow(aFlow(`flow-${index}`));
    }

    const children = ["a", "b"].map((me) => startChild("race", [file, me, String(COUNT)]));
    for (const child of children) await child.printed(1);
    for (const child of children) child.go();
    const lines = (await Promise.all(children.map((child) => child.ended))).flat();

    const wins = (what: string) => lines.filter((line) => line.startsWith(`${what} `)).map((line) => Number(line.split(" ")[1]));
    const each = Array.from({ length: COUNT }, (_, index) => index);
    for (const what of [
      "registered",
      "spent",
      "changed",
      "replaced",
      "confirmed",
      "rotated",
      "grace",
      "claimed",
      "came",
      "unlinked",
      "returned",
    ]) {
      expect(
        wins(what).sort((one, other) => one - other),
        what,
      ).toEqual(each);
    }
    expect(wins("counted")).toHaveLength(COUNT);
    expect(wins("tried")).toHaveLength(40);
    expect(wins("admitted")).toHaveLength(40);
    expect(wins("locked")).toHaveLength(1);
    expect((await storer.load("pid-ann"))?.epoch).toBe(COUNT);
    for (const index of each) expect(await storer.listIdentities(`pid-u${index}`)).toHaveLength(1);
  });

  it("may all start at once, ten of them, on a file that is not there yet: one makes the schema, all of them work", async () => {
    const file = await newFile();
    const children = Array.from({ length: 10 }, (_, index) => startChild("start", [file, `user-${index}`]));
    for (const child of children) await child.printed(1);
    for (const child of children) child.go();
    const lines = (await Promise.all(children.map((child) => child.ended))).flat();

    expect(lines.filter((line) => line === "made 1")).toHaveLength(1);
    expect(lines.filter((line) => line === "made 0")).toHaveLength(9);
    expect(lines.filter((line) => line === "registered true")).toHaveLength(10);
    expect(await withFile(file, (all) => all("SELECT count(*) AS users FROM castellan_user"))).toEqual([{ users: 10 }]);
  });
});
