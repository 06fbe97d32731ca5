/** What each operation asks of etcd, and that a process which is killed between two of its requests leaves all of it, or nothing that anybody could use. */
import { type EtcdStorer, etcd } from "@castellan/storer-etcd";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { everything, fill } from "./support/everything.ts";
import { aLink, aSignIn, at, aUser, newPrefix, openStorer, rowsIn } from "./support/rows.ts";
import { type EtcdServer, newServer, withoutEtcd } from "./support/servers.ts";

let server: EtcdServer;
beforeAll(async () => {
  if (!withoutEtcd) server = await newServer();
});
afterAll(() => server?.end());

/** What is asked when nobody else wants the same, in the order of `everything`. A `write` is a transaction, and it is all that changes anything. */
const REQUESTS: Readonly<Record<string, string>> = {
  load: "read",
  findByLogin: "read read",
  createUser: "read write",
  findSignIn: "read",
  touchSignIn: "read write",
  replaceSignIn: "read read write",
  createSignIn: "read write",
  listSignIns: "read list",
  takeExpiredSignIn: "read read write",
  endSignIn: "read read write",
  endSignInOf: "write",
  endSignIns: "write",
  findChallenge: "list read",
  admitTry: "list read write",
  consumeChallenge: "list read write",
  createChallenge: "write",
  endChallengesOfSession: "write",
  endChallengesOf: "write",
  finishConfirmation: "read read write",
  startConfirmation: "write",
  confirmUser: "read write",
  setSecondaryEmails: "read write",
  findRecovery: "read read",
  lockUser: "read write",
  unlockUser: "write",
  startUnlock: "write",
  admitAttempt: "read write",
  takeBackAttempt: "read write",
  clearAttempts: "read write",
  // Nobody is locked any more.
  finishUnlock: "read read read",
  rotateRememberSeries: "read read write",
  addRememberSeries: "read write",
  endRememberSeries: "read write",
  endRememberSeriesOf: "write",
  findTrustedBrowser: "read",
  listTrustedBrowsers: "read list",
  addTrustedBrowser: "read read write",
  endTrustedBrowser: "read write",
  endTrustedBrowsers: "write",
  countUse: "read write",
  takeBackUse: "read write",
  forgetUses: "write",
  loadSession: "read",
  saveSession: "write",
  touchSession: "read write",
  destroySession: "write",
  findFlow: "read",
  takeFlow: "read write",
  startFlow: "write",
  queueMail: "write",
  postponeMail: "read write",
  // One transaction for each mail.
  claimMails: "list read write",
  removeMail: "read write",
  linkIdentity: "read read write",
  createUserWithIdentity: "read read write",
  findIdentity: "read read",
  listIdentities: "read list",
  noteIdentity: "read write",
  replaceTokens: "read write",
  finishRecovery: "read read write",
  startRecovery: "write",
  unlinkIdentity: "list read write",
  enableTotp: "read write",
  totpSecretOf: "read",
  acceptTotpStep: "read write",
  resealTotp: "read write",
  disableTotp: "read write",
  enableSms: "read write",
  disableSms: "read write",
  countRecoveryCodes: "read",
  consumeRecoveryCode: "read write",
  replaceRecoveryCodes: "read write",
  addOneTimePassword: "read write",
  countOneTimePasswords: "read",
  consumeOneTimePassword: "read write",
  // None are left.
  clearOneTimePasswords: "read",
  upgradePasswordHash: "read write",
  changePasswordHash: "read write",
  setPasswordHash: "read write",
  advanceEpoch: "read write",
  disableUser: "read write",
  enableUser: "read write",
  sweep: "list",
};

describe.skipIf(withoutEtcd)("an operation", () => {
  it("decides and changes all that it changes in one transaction", async () => {
    let asked: string[] = [];
    const storer = await openStorer(server, { onQuery: (name) => asked.push(name) });
    await fill(storer);
    // A key that was met before is known to lead where it leads.
    await storer.findSignIn("key-ann", at(0));
    const found: Record<string, string> = {};
    for (const [name, work] of Object.entries(everything(storer))) {
      asked = [];
      await work();
      found[name] = asked.join(" ");
    }
    expect(found).toEqual(REQUESTS);
    asked = [];
    expect(await storer.removeUser("pid-ann")).toBe(true);
    expect(asked).toEqual(["list", "write"]);
  });
});

/** Runs `operation` in a process that is killed after 0, 1, 2, … requests, each time in a fresh prefix, until it is whole; looks then from another process. Answers how many requests it took. */
async function cutEverywhere(
  prepare: (storer: EtcdStorer) => Promise<unknown>,
  operation: (storer: EtcdStorer) => Promise<unknown>,
  look: (storer: EtcdStorer, wasCut: boolean, prefix: string) => Promise<void>,
): Promise<number> {
  for (let count = 0; ; count += 1) {
    const prefix = newPrefix();
    const uri = `${server.uri}/${prefix}`;
    let left = count;
    const other = await etcd(uri);
    const killed = await etcd({
      uri,
      onQuery: () => {
        left -= 1;
        if (left < 0) throw new Error("killed");
      },
    });
    onTestFinished(async () => {
      await Promise.all([other.close(), killed.close()]);
    });
    await prepare(other);
    await operation(killed).catch(() => null);
    await look(other, left < 0, prefix);
    if (left >= 0) return count;
  }
}

describe.skipIf(withoutEtcd)("a process that is killed in the middle", () => {
  it("of mailing more links than fit in one transaction has made all of them, or left the older one alive; and none of them stays for ever", async () => {
    const older = aLink("ann", { selector: "older" });
    const links = Array.from({ length: 250 }, (_, index) =>
      aLink("ann", { selector: `newer-${index}`, destination: `${index}@example.com` }),
    );
    const [first, last] = [links[0], links.at(-1)];
    if (!first || !last) throw new Error("there are links");
    const requests = await cutEverywhere(
      async (storer) => {
        await storer.createUser(aUser("ann"));
        await storer.startRecovery([older]);
      },
      (storer) => storer.startRecovery(links),
      async (storer, wasCut, prefix) => {
        const isNew = (await storer.findRecovery(last, at(0))) !== null;
        expect((await storer.findRecovery(first, at(0))) !== null).toBe(isNew);
        expect((await storer.findRecovery(older, at(0))) === null).toBe(isNew);
        expect(isNew).toBe(!wasCut);
        await storer.sweep(at(5000), 100);
        await storer.removeUser("pid-ann");
        expect([...(await rowsIn(server, prefix)).keys()]).toEqual([]);
      },
    );
    expect(requests).toBe(3);
  });

  it("of claiming mails has claimed each of them whole or not at all", async () => {
    const mails = ["one", "two", "three"].map((name) => ({ id: name, payload: "sealed", createdAt: at(0), dueAt: at(0) }));
    await cutEverywhere(
      async (storer) => {
        for (const mail of mails) await storer.queueMail(mail);
      },
      (storer) => storer.claimMails(at(0), at(100), 3),
      async (storer) => {
        const rest = await storer.claimMails(at(0), at(100), 5);
        expect(rest.every(({ attempts }) => attempts === 1)).toBe(true);
        // Those that the other one had come again when their claim is over.
        const again = await storer.claimMails(at(100), at(200), 5);
        expect(again.map(({ id }) => id).sort()).toEqual(["one", "three", "two"]);
      },
    );
  });

  it("of sweeping has removed some of what is over, and nothing else; the next one removes the rest", async () => {
    await cutEverywhere(
      async (storer) => {
        await storer.createUser(aUser("ann"));
        for (const name of ["one", "two", "three"])
          await storer.createSignIn(name, aSignIn("ann", { id: name, endsAt: at(name === "three" ? 9000 : 500), idleEndsAt: at(9000) }));
      },
      (storer) => storer.sweep(at(1000), 10),
      async (storer, wasCut) => {
        const swept = await storer.sweep(at(1000), 10);
        if (!wasCut) expect(swept).toBe(0);
        expect(await storer.findSignIn("three", at(1000))).not.toBeNull();
        for (const name of ["one", "two"]) expect(await storer.endSignIn(name)).toBe(false);
      },
    );
  });
});
