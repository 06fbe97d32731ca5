/** Two processes that want the same, over and over. @module */
import { expect } from "vitest";
import type { SqlOperations } from "../../src/storer.ts";
import { aChallenge, aFlow, aLink, aMail, anIdentity, aSeries, aSignIn, aUser } from "./places.ts";
import { startChild } from "./processes.ts";

/** Lets them race on everything that one of them can get, `count` times, and looks that one did. */
export async function raceOfTwo(storer: SqlOperations, place: string, count: number): Promise<void> {
  await storer.createUser(aUser("ann"));
  await storer.createUser(aUser("bob"));
  await storer.createChallenge(aChallenge("tries", { pid: "pid-bob", sessionKey: "session", purpose: "tries", triesLeft: 40 }));
  for (let index = 0; index < count; index += 1) {
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

  const children = ["a", "b"].map((me) => startChild("race", [place, me, String(count)]));
  for (const child of children) await child.printed(1);
  for (const child of children) child.go();
  const lines = (await Promise.all(children.map((child) => child.ended))).flat();

  const wins = (what: string) => lines.filter((line) => line.startsWith(`${what} `)).map((line) => Number(line.split(" ")[1]));
  const each = Array.from({ length: count }, (_, index) => index);
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
  expect(wins("counted")).toHaveLength(count);
  expect(wins("tried")).toHaveLength(40);
  expect(wins("admitted")).toHaveLength(40);
  expect(wins("locked")).toHaveLength(1);
  expect((await storer.load("pid-ann"))?.epoch).toBe(count);
  for (const index of each) expect(await storer.listIdentities(`pid-u${index}`)).toHaveLength(1);
}
