/** A storer with one row of everything in it, and one call of each operation. @module */
import { seconds } from "@castellan/core";
import type { RedisStorer } from "@castellan/storer-redis";
import { aChallenge, aFlow, aLink, aMail, anIdentity, aPolicy, aSeries, aSignIn, aTotp, aTrusted, at, aUser } from "./rows.ts";

/** After two factors. */
const EPOCH = 2;

/** Ann has everything, Dan nothing but a password. */
export async function furnish(storer: RedisStorer): Promise<void> {
  await storer.createUser(aUser("ann"));
  await storer.linkIdentity("pid-ann", 0, anIdentity("ann"));
  await storer.enableTotp("pid-ann", 0, aTotp, ["code", "other-code"]);
  await storer.enableSms("pid-ann", 1, "+41000000000", null);
  await storer.createUser(aUser("dan"));
  await storer.createSignIn("key", aSignIn("ann", { epoch: EPOCH }));
  await storer.createChallenge(aChallenge("ann", { epoch: EPOCH }));
  await storer.startConfirmation(aLink("ann", { epoch: EPOCH }));
  await storer.startRecovery([aLink("ann", { epoch: EPOCH, selector: "recover-ann" })]);
  for (const subject of ["subject", "pid:pid-ann", "pid:pid-ann"]) await storer.admitAttempt(subject, aPolicy, at(0));
  await storer.startUnlock(aLink("ann", { epoch: EPOCH, selector: "unlock-ann" }));
  await storer.addRememberSeries(aSeries("ann", { epoch: EPOCH }));
  await storer.addTrustedBrowser(aTrusted("ann", { epoch: EPOCH }));
  await storer.addOneTimePassword("pid-ann", EPOCH, "otp", 3);
  await storer.countUse("count", 3, 1000, at(0));
  await storer.saveSession("session", { data: "{}", expiresAt: at(1000) });
  await storer.startFlow(aFlow("ann"));
  await storer.queueMail(aMail("ann"));
}

type Calls = Readonly<Record<string, (storer: RedisStorer) => Promise<unknown>>>;

/** Each finds its row as {@link furnish} left it. */
export const reading: Calls = {
  load: (storer) => storer.load("pid-ann"),
  findByLogin: (storer) => storer.findByLogin("ann"),
  findSignIn: (storer) => storer.findSignIn("key", at(0)),
  listSignIns: (storer) => storer.listSignIns("pid-ann", at(0)),
  findChallenge: (storer) => storer.findChallenge("challenge-ann", "session-ann", at(0)),
  findRecovery: (storer) => storer.findRecovery(aLink("ann", { selector: "recover-ann" }), at(0)),
  totpSecretOf: (storer) => storer.totpSecretOf("pid-ann"),
  countRecoveryCodes: (storer) => storer.countRecoveryCodes("pid-ann"),
  findTrustedBrowser: (storer) => storer.findTrustedBrowser("pid-ann", "key-ann", at(0)),
  listTrustedBrowsers: (storer) => storer.listTrustedBrowsers("pid-ann", at(0)),
  countOneTimePasswords: (storer) => storer.countOneTimePasswords("pid-ann"),
  findIdentity: (storer) => storer.findIdentity("https://id.example", "ann"),
  listIdentities: (storer) => storer.listIdentities("pid-ann"),
  findFlow: (storer) => storer.findFlow("flow-ann", "browser-ann", "oauth2", at(0)),
  loadSession: (storer) => storer.loadSession("session", at(0)),
};

/** Each changes something and needs room for it. */
export const growing: Calls = {
  createUser: (storer) => storer.createUser(aUser("bob")),
  createUserWithIdentity: (storer) => storer.createUserWithIdentity(aUser("cat"), anIdentity("cat")),
  changePasswordHash: (storer) => storer.changePasswordHash("pid-ann", EPOCH, "new"),
  setPasswordHash: (storer) => storer.setPasswordHash("pid-ann", "new"),
  upgradePasswordHash: (storer) => storer.upgradePasswordHash("pid-ann", "hash", "new"),
  advanceEpoch: (storer) => storer.advanceEpoch("pid-ann"),
  setSecondaryEmails: (storer) => storer.setSecondaryEmails("pid-ann", ["ann@example.org"]),
  disableUser: (storer) => storer.disableUser("pid-ann", at(0)),
  createSignIn: (storer) => storer.createSignIn("other", aSignIn("ann", { epoch: EPOCH, id: "other" })),
  touchSignIn: (storer) => storer.touchSignIn("key", at(1), at(900)),
  replaceSignIn: (storer) => storer.replaceSignIn("key", { key: "next", level: "full", factors: [], epoch: EPOCH }, at(0)),
  createChallenge: (storer) => storer.createChallenge(aChallenge("ann", { epoch: EPOCH, id: "newer" })),
  admitTry: (storer) => storer.admitTry("challenge-ann", "session-ann", at(0)),
  endChallengesOf: (storer) => storer.endChallengesOf("pid-ann", null),
  startConfirmation: (storer) => storer.startConfirmation(aLink("ann", { epoch: EPOCH, selector: "newer" })),
  confirmUser: (storer) => storer.confirmUser("pid-ann", "ann@example.com", at(0)),
  startRecovery: (storer) => storer.startRecovery([aLink("ann", { epoch: EPOCH, selector: "newer" })]),
  admitAttempt: (storer) => storer.admitAttempt("other subject", aPolicy, at(0)),
  takeBackAttempt: (storer) => storer.takeBackAttempt("subject", at(0)),
  lockUser: (storer) => storer.lockUser("pid-ann", at(1000)),
  startUnlock: (storer) => storer.startUnlock(aLink("ann", { epoch: EPOCH, selector: "newer" })),
  addRememberSeries: (storer) => storer.addRememberSeries(aSeries("ann", { epoch: EPOCH, selector: "other" })),
  rotateRememberSeries: (storer) => storer.rotateRememberSeries(aSeries("ann"), "next", seconds(1), at(0)),
  queueMail: (storer) => storer.queueMail(aMail("bob")),
  claimMails: (storer) => storer.claimMails(at(0), at(1), 1),
  postponeMail: (storer) => storer.postponeMail("mail-ann", at(1)),
  enableTotp: (storer) => storer.enableTotp("pid-dan", 0, aTotp, ["code"]),
  enableSms: (storer) => storer.enableSms("pid-dan", 0, "+41000000000", ["code"]),
  acceptTotpStep: (storer) => storer.acceptTotpStep("pid-ann", aTotp.secret, 6),
  resealTotp: (storer) => storer.resealTotp("pid-ann", aTotp.secret, "sealed anew"),
  addTrustedBrowser: (storer) => storer.addTrustedBrowser(aTrusted("ann", { epoch: EPOCH, id: "other", keyHash: "other" })),
  addOneTimePassword: (storer) => storer.addOneTimePassword("pid-ann", EPOCH, "other", 3),
  linkIdentity: (storer) => storer.linkIdentity("pid-ann", EPOCH, anIdentity("bob")),
  noteIdentity: (storer) => storer.noteIdentity("pid-ann", { ...anIdentity("ann"), email: "new@example.com" }),
  replaceTokens: (storer) => storer.replaceTokens("pid-ann", "https://id.example", "ann", "sealed", "sealed anew"),
  startFlow: (storer) => storer.startFlow(aFlow("bob")),
  countUse: (storer) => storer.countUse("count", 3, 1000, at(0)),
  takeBackUse: (storer) => storer.takeBackUse("count", at(0)),
  saveSession: (storer) => storer.saveSession("other", { data: "{}", expiresAt: at(1000) }),
  touchSession: (storer) => storer.touchSession("session", at(900)),
};

/** Each begins by removing something: what ends anything must work where there is no room, too. */
export const ending: Calls = {
  endSignIn: (storer) => storer.endSignIn("key"),
  endSignInOf: (storer) => storer.endSignInOf("pid-ann", "sign-in-ann"),
  endSignIns: (storer) => storer.endSignIns("pid-ann", null),
  takeExpiredSignIn: (storer) => storer.takeExpiredSignIn("key", at(5000)),
  consumeChallenge: (storer) => storer.consumeChallenge("challenge-ann", "session-ann", at(0)),
  endChallengesOfSession: (storer) => storer.endChallengesOfSession("session-ann"),
  clearAttempts: (storer) => storer.clearAttempts("subject", at(0)),
  unlockUser: (storer) => storer.unlockUser("pid-ann"),
  endRememberSeries: (storer) => storer.endRememberSeries("series-ann"),
  endRememberSeriesOf: (storer) => storer.endRememberSeriesOf("pid-ann", null),
  removeMail: (storer) => storer.removeMail("mail-ann"),
  consumeRecoveryCode: (storer) => storer.consumeRecoveryCode("pid-ann", "code"),
  endTrustedBrowser: (storer) => storer.endTrustedBrowser("pid-ann", "trusted-ann"),
  endTrustedBrowsers: (storer) => storer.endTrustedBrowsers("pid-ann"),
  consumeOneTimePassword: (storer) => storer.consumeOneTimePassword("pid-ann", "otp"),
  clearOneTimePasswords: (storer) => storer.clearOneTimePasswords("pid-ann"),
  takeFlow: (storer) => storer.takeFlow("flow-ann", "browser-ann", "oauth2", at(0)),
  forgetUses: (storer) => storer.forgetUses("count"),
  destroySession: (storer) => storer.destroySession("session"),
  enableUser: (storer) => storer.enableUser("pid-ann"),
  finishConfirmation: (storer) => storer.finishConfirmation(aLink("ann"), at(0)),
  finishRecovery: (storer) => storer.finishRecovery(aLink("ann", { selector: "recover-ann" }), "new", at(0)),
  finishUnlock: (storer) => storer.finishUnlock(aLink("ann", { selector: "unlock-ann" }), at(0)),
  disableTotp: (storer) => storer.disableTotp("pid-ann", EPOCH),
  disableSms: (storer) => storer.disableSms("pid-ann", EPOCH),
  replaceRecoveryCodes: (storer) => storer.replaceRecoveryCodes("pid-ann", EPOCH, ["new-code"]),
  unlinkIdentity: (storer) => storer.unlinkIdentity("pid-ann", EPOCH, "https://id.example", "ann", true),
  removeUser: (storer) => storer.removeUser("pid-ann"),
  sweep: (storer) => storer.sweep(at(9000), 100),
};

export const everything: Calls = { ...reading, ...growing, ...ending };
