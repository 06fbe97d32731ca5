/** Ann with all that a user can have, and a call of every operation. @module */
import { type OAuth2Flow, seconds } from "@castellan/core";
import type { EtcdStorer } from "@castellan/storer-etcd";
import { aChallenge, aLink, aMail, anIdentity, aPolicy, aSeries, aSignIn, aTotp, aTrusted, at, aUser } from "./rows.ts";

export const aFlow = (name: string, fields: Partial<OAuth2Flow> = {}): OAuth2Flow => ({
  key: `flow-${name}`,
  browserKey: "browser",
  purpose: "callback/demo",
  data: "{}",
  createdAt: at(0),
  expiresAt: at(1000),
  ...fields,
});

/** One row of everything that there is, of the user `name`; `shift` moves every moment. */
export async function fill(storer: EtcdStorer, name = "ann", shift = 0): Promise<void> {
  const [created, ends] = [at(shift), at(shift + 1000)];
  const times = { createdAt: created, expiresAt: ends };
  await storer.createUser(aUser(name));
  await storer.createSignIn(
    `key-${name}`,
    aSignIn(name, { createdAt: created, seenAt: created, idleEndsAt: ends, endsAt: at(shift + 2000) }),
  );
  await storer.createChallenge(aChallenge(name, times));
  await storer.startConfirmation(aLink(name, times));
  await storer.startRecovery([aLink(name, { ...times, selector: `recover-${name}` })]);
  await storer.admitAttempt(`pid:pid-${name}`, { ...aPolicy, window: seconds(1) }, created);
  await storer.addRememberSeries(aSeries(name, times));
  await storer.addTrustedBrowser(aTrusted(name, times));
  await storer.countUse(`count-${name}`, 3, 1000, created);
  await storer.saveSession(`session-${name}`, { data: "{}", expiresAt: ends });
  await storer.startFlow(aFlow(name, times));
}

/** What `fill` leaves to sweep: all but the user. */
export const ROWS_OF_FILL = 10;

/** A call of every operation but `removeUser`, each of which finds what it looks for in a store that was filled with Ann at the moment 0, and changes it where it changes anything. */
export const everything = (storer: EtcdStorer): Readonly<Record<string, () => Promise<unknown>>> => ({
  load: () => storer.load("pid-ann"),
  findByLogin: () => storer.findByLogin("ann"),
  createUser: () => storer.createUser(aUser("bob")),
  findSignIn: () => storer.findSignIn("key-ann", at(0)),
  touchSignIn: () => storer.touchSignIn("key-ann", at(1), at(900)),
  replaceSignIn: () => storer.replaceSignIn("key-ann", { key: "next-ann", level: "full", factors: [], epoch: 0 }, at(0)),
  createSignIn: () => storer.createSignIn("other", aSignIn("ann", { id: "other", idleEndsAt: at(900) })),
  listSignIns: () => storer.listSignIns("pid-ann", at(0)),
  takeExpiredSignIn: () => storer.takeExpiredSignIn("other", at(950)),
  endSignIn: () => storer.endSignIn("next-ann"),
  endSignInOf: () => storer.endSignInOf("pid-ann", "another"),
  endSignIns: () => storer.endSignIns("pid-ann", null),
  findChallenge: () => storer.findChallenge("challenge-ann", "session-ann", at(0)),
  admitTry: () => storer.admitTry("challenge-ann", "session-ann", at(0)),
  consumeChallenge: () => storer.consumeChallenge("challenge-ann", "session-ann", at(0)),
  createChallenge: () => storer.createChallenge(aChallenge("ann", { id: "newer" })),
  endChallengesOfSession: () => storer.endChallengesOfSession("session-ann"),
  endChallengesOf: () => storer.endChallengesOf("pid-ann", "login"),
  finishConfirmation: () => storer.finishConfirmation(aLink("ann"), at(0)),
  startConfirmation: () => storer.startConfirmation(aLink("ann")),
  confirmUser: () => storer.confirmUser("pid-ann", "ann@example.com", at(0)),
  setSecondaryEmails: () => storer.setSecondaryEmails("pid-ann", ["second@example.com"]),
  findRecovery: () => storer.findRecovery(aLink("ann", { selector: "recover-ann" }), at(0)),
  lockUser: () => storer.lockUser("pid-ann", at(100)),
  unlockUser: () => storer.unlockUser("pid-ann"),
  startUnlock: () => storer.startUnlock(aLink("ann", { selector: "unlock-ann" })),
  admitAttempt: () => storer.admitAttempt("pid:pid-ann", aPolicy, at(0)),
  takeBackAttempt: () => storer.takeBackAttempt("pid:pid-ann", at(0)),
  clearAttempts: () => storer.clearAttempts("pid:pid-ann", at(0)),
  finishUnlock: () => storer.finishUnlock(aLink("ann", { selector: "unlock-ann" }), at(0)),
  rotateRememberSeries: () => storer.rotateRememberSeries(aSeries("ann"), "next", seconds(1), at(0)),
  addRememberSeries: () => storer.addRememberSeries(aSeries("other", { pid: "pid-ann" })),
  endRememberSeries: () => storer.endRememberSeries("series-ann"),
  endRememberSeriesOf: () => storer.endRememberSeriesOf("pid-ann", null),
  findTrustedBrowser: () => storer.findTrustedBrowser("pid-ann", "key-ann", at(0)),
  listTrustedBrowsers: () => storer.listTrustedBrowsers("pid-ann", at(0)),
  addTrustedBrowser: () => storer.addTrustedBrowser(aTrusted("other", { pid: "pid-ann" })),
  endTrustedBrowser: () => storer.endTrustedBrowser("pid-ann", "trusted-ann"),
  endTrustedBrowsers: () => storer.endTrustedBrowsers("pid-ann"),
  countUse: () => storer.countUse("count-ann", 3, 1000, at(0)),
  takeBackUse: () => storer.takeBackUse("count-ann", at(0)),
  forgetUses: () => storer.forgetUses("count-ann"),
  loadSession: () => storer.loadSession("session-ann", at(0)),
  saveSession: () => storer.saveSession("session-ann", { data: "{}", expiresAt: at(1) }),
  touchSession: () => storer.touchSession("session-ann", at(900)),
  destroySession: () => storer.destroySession("session-ann"),
  findFlow: () => storer.findFlow("flow-ann", "browser", "callback/demo", at(0)),
  takeFlow: () => storer.takeFlow("flow-ann", "browser", "callback/demo", at(0)),
  startFlow: () => storer.startFlow(aFlow("ann")),
  queueMail: () => storer.queueMail(aMail("ann")),
  postponeMail: () => storer.postponeMail("mail-ann", at(-1)),
  claimMails: () => storer.claimMails(at(0), at(1), 1),
  removeMail: () => storer.removeMail("mail-ann"),
  linkIdentity: () => storer.linkIdentity("pid-ann", 0, anIdentity("ann")),
  createUserWithIdentity: () => storer.createUserWithIdentity(aUser("cleo"), anIdentity("cleo")),
  findIdentity: () => storer.findIdentity("https://id.example", "ann"),
  listIdentities: () => storer.listIdentities("pid-ann"),
  noteIdentity: () => storer.noteIdentity("pid-ann", anIdentity("ann")),
  replaceTokens: () => storer.replaceTokens("pid-ann", "https://id.example", "ann", "sealed", "anew"),
  finishRecovery: () => storer.finishRecovery(aLink("ann", { selector: "recover-ann" }), "hash", at(0)),
  startRecovery: () => storer.startRecovery([aLink("ann", { selector: "recover-ann" })]),
  unlinkIdentity: () => storer.unlinkIdentity("pid-ann", 1, "https://id.example", "ann", true),
  enableTotp: () => storer.enableTotp("pid-ann", 2, aTotp, ["code"]),
  totpSecretOf: () => storer.totpSecretOf("pid-ann"),
  acceptTotpStep: () => storer.acceptTotpStep("pid-ann", "sealed", 6),
  resealTotp: () => storer.resealTotp("pid-ann", "sealed", "anew"),
  disableTotp: () => storer.disableTotp("pid-ann", 3),
  enableSms: () => storer.enableSms("pid-ann", 4, "+41791234567", null),
  disableSms: () => storer.disableSms("pid-ann", 5),
  countRecoveryCodes: () => storer.countRecoveryCodes("pid-ann"),
  consumeRecoveryCode: () => storer.consumeRecoveryCode("pid-ann", "code"),
  replaceRecoveryCodes: () => storer.replaceRecoveryCodes("pid-ann", 6, ["new"]),
  addOneTimePassword: () => storer.addOneTimePassword("pid-ann", 6, "hash", 3),
  countOneTimePasswords: () => storer.countOneTimePasswords("pid-ann"),
  consumeOneTimePassword: () => storer.consumeOneTimePassword("pid-ann", "hash"),
  clearOneTimePasswords: () => storer.clearOneTimePasswords("pid-ann"),
  upgradePasswordHash: () => storer.upgradePasswordHash("pid-ann", "hash", "better"),
  changePasswordHash: () => storer.changePasswordHash("pid-ann", 6, "new"),
  setPasswordHash: () => storer.setPasswordHash("pid-ann", "new"),
  advanceEpoch: () => storer.advanceEpoch("pid-ann"),
  disableUser: () => storer.disableUser("pid-ann", at(0)),
  enableUser: () => storer.enableUser("pid-ann"),
  sweep: () => storer.sweep(at(0), 10),
});
