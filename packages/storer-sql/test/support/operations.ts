/** Every operation of an SQL storer, called once, on rows for it to find. @module */
import { type SessionOperations, seconds } from "@castellan/core";
import type { SqlOperations } from "../../src/storer.ts";
import { aChallenge, aFlow, aLink, aMail, anIdentity, aPolicy, aSeries, aSignIn, aTotp, aTrusted, at, aUser } from "./places.ts";

export type AnySqlStorer = SqlOperations & SessionOperations;

export const operations: Readonly<Record<string, (storer: AnySqlStorer) => unknown>> = {
  load: (storer) => storer.load("pid-ann"),
  findByLogin: (storer) => storer.findByLogin("ann"),
  advanceEpoch: (storer) => storer.advanceEpoch("pid-ann"),
  createUser: (storer) => storer.createUser(aUser("bob")),
  changePasswordHash: (storer) => storer.changePasswordHash("pid-ann", 0, "new"),
  setPasswordHash: (storer) => storer.setPasswordHash("pid-ann", "new"),
  upgradePasswordHash: (storer) => storer.upgradePasswordHash("pid-ann", "hash", "new"),
  disableUser: (storer) => storer.disableUser("pid-ann", at(0)),
  enableUser: (storer) => storer.enableUser("pid-ann"),
  createSignIn: (storer) => storer.createSignIn("other", aSignIn("ann", { id: "other" })),
  findSignIn: (storer) => storer.findSignIn("key", at(1)),
  touchSignIn: (storer) => storer.touchSignIn("key", at(1), at(1001)),
  replaceSignIn: (storer) => storer.replaceSignIn("key", { key: "next", level: "full", factors: [], epoch: 0 }, at(1)),
  endSignIn: (storer) => storer.endSignIn("key"),
  endSignInOf: (storer) => storer.endSignInOf("pid-ann", "sign-in-ann"),
  endSignIns: (storer) => storer.endSignIns("pid-ann", null),
  listSignIns: (storer) => storer.listSignIns("pid-ann", at(1)),
  createChallenge: (storer) => storer.createChallenge(aChallenge("ann", { id: "other" })),
  findChallenge: (storer) => storer.findChallenge("challenge-ann", "session-ann", at(1)),
  admitTry: (storer) => storer.admitTry("challenge-ann", "session-ann", at(1)),
  consumeChallenge: (storer) => storer.consumeChallenge("challenge-ann", "session-ann", at(1)),
  endChallengesOfSession: (storer) => storer.endChallengesOfSession("session-ann"),
  endChallengesOf: (storer) => storer.endChallengesOf("pid-ann", null),
  startConfirmation: (storer) => storer.startConfirmation(aLink("ann", { selector: "other" })),
  finishConfirmation: (storer) => storer.finishConfirmation(aLink("ann"), at(1)),
  confirmUser: (storer) => storer.confirmUser("pid-ann", "ann@example.com", at(1)),
  startRecovery: (storer) => storer.startRecovery(["a", "b", "c"].map((selector) => aLink("ann", { selector }))),
  findRecovery: (storer) => storer.findRecovery(aLink("ann"), at(1)),
  finishRecovery: (storer) => storer.finishRecovery(aLink("ann"), "new", at(1)),
  setSecondaryEmails: (storer) => storer.setSecondaryEmails("pid-ann", ["b@example.com"]),
  admitAttempt: (storer) => storer.admitAttempt("pid:pid-ann", aPolicy, at(1)),
  takeBackAttempt: (storer) => storer.takeBackAttempt("pid:pid-ann", at(1)),
  clearAttempts: (storer) => storer.clearAttempts("pid:pid-ann", at(1)),
  lockUser: (storer) => storer.lockUser("pid-ann", at(1)),
  unlockUser: (storer) => storer.unlockUser("pid-ann"),
  startUnlock: (storer) => storer.startUnlock(aLink("ann", { selector: "other" })),
  finishUnlock: (storer) => storer.finishUnlock(aLink("ann"), at(1)),
  addRememberSeries: (storer) => storer.addRememberSeries(aSeries("ann", { selector: "other" })),
  rotateRememberSeries: (storer) => storer.rotateRememberSeries(aSeries("ann"), "next", seconds(30), at(1)),
  endRememberSeries: (storer) => storer.endRememberSeries("series-ann"),
  endRememberSeriesOf: (storer) => storer.endRememberSeriesOf("pid-ann", "other"),
  takeExpiredSignIn: (storer) => storer.takeExpiredSignIn("key", at(1000)),
  queueMail: (storer) => storer.queueMail(aMail("b")),
  claimMails: (storer) => storer.claimMails(at(1), at(2), 10),
  removeMail: (storer) => storer.removeMail("mail-a"),
  postponeMail: (storer) => storer.postponeMail("mail-a", at(1)),
  enableTotp: (storer) => storer.enableTotp("pid-ann", 0, aTotp, ["code"]),
  totpSecretOf: (storer) => storer.totpSecretOf("pid-ann"),
  acceptTotpStep: (storer) => storer.acceptTotpStep("pid-ann", "sealed", 6),
  resealTotp: (storer) => storer.resealTotp("pid-ann", "sealed", "anew"),
  disableTotp: (storer) => storer.disableTotp("pid-ann", 0),
  enableSms: (storer) => storer.enableSms("pid-ann", 0, "+41791234567", null),
  disableSms: (storer) => storer.disableSms("pid-ann", 0),
  replaceRecoveryCodes: (storer) => storer.replaceRecoveryCodes("pid-ann", 0, ["code"]),
  consumeRecoveryCode: (storer) => storer.consumeRecoveryCode("pid-ann", "code"),
  countRecoveryCodes: (storer) => storer.countRecoveryCodes("pid-ann"),
  addTrustedBrowser: (storer) => storer.addTrustedBrowser(aTrusted("ann")),
  findTrustedBrowser: (storer) => storer.findTrustedBrowser("pid-ann", "key-ann", at(1)),
  listTrustedBrowsers: (storer) => storer.listTrustedBrowsers("pid-ann", at(1)),
  endTrustedBrowser: (storer) => storer.endTrustedBrowser("pid-ann", "trusted-ann"),
  endTrustedBrowsers: (storer) => storer.endTrustedBrowsers("pid-ann"),
  addOneTimePassword: (storer) => storer.addOneTimePassword("pid-ann", 0, "hash", 5),
  countOneTimePasswords: (storer) => storer.countOneTimePasswords("pid-ann"),
  consumeOneTimePassword: (storer) => storer.consumeOneTimePassword("pid-ann", "hash"),
  clearOneTimePasswords: (storer) => storer.clearOneTimePasswords("pid-ann"),
  createUserWithIdentity: (storer) => storer.createUserWithIdentity(aUser("bob"), anIdentity("bob")),
  findIdentity: (storer) => storer.findIdentity("https://id.example", "ann"),
  listIdentities: (storer) => storer.listIdentities("pid-ann"),
  linkIdentity: (storer) => storer.linkIdentity("pid-ann", 0, anIdentity("other")),
  unlinkIdentity: (storer) => storer.unlinkIdentity("pid-ann", 0, "https://id.example", "ann", true),
  noteIdentity: (storer) => storer.noteIdentity("pid-ann", anIdentity("ann")),
  replaceTokens: (storer) => storer.replaceTokens("pid-ann", "https://id.example", "ann", null, "tokens"),
  startFlow: (storer) => storer.startFlow(aFlow("other")),
  findFlow: (storer) => storer.findFlow("flow", "browser", "callback/demo", at(1)),
  takeFlow: (storer) => storer.takeFlow("flow", "browser", "callback/demo", at(1)),
  countUse: (storer) => storer.countUse("key", 1, 1000, at(0)),
  takeBackUse: (storer) => storer.takeBackUse("key", at(0)),
  forgetUses: (storer) => storer.forgetUses("key"),
  loadSession: (storer) => storer.loadSession("key", at(0)),
  saveSession: (storer) => storer.saveSession("key", { data: "{}", expiresAt: at(1) }),
  touchSession: (storer) => storer.touchSession("key", at(2)),
  destroySession: (storer) => storer.destroySession("key"),
};

/** Those that write two tables: a transaction whose first write decides. */
export const pairs = ["createUserWithIdentity", "unlinkIdentity"];

/** A row of each kind. */
export async function fill(storer: AnySqlStorer): Promise<void> {
  await storer.createUser(aUser("ann", { email: "ann@example.com" }));
  await storer.createSignIn("key", aSignIn("ann"));
  await storer.createChallenge(aChallenge("ann"));
  await storer.startRecovery([aLink("ann")]);
  await storer.addRememberSeries(aSeries("ann"));
  await storer.queueMail(aMail("a"));
  await storer.linkIdentity("pid-ann", 0, anIdentity("ann"));
  await storer.startFlow(aFlow("flow"));
}
