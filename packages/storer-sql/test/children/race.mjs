/** Tries to be first with everything, against others on the same database, and says what it won: `node race.mjs PLACE ME COUNT`. @module */
import { open } from "./open.mjs";
import { aLink, anIdentity, aPolicy, aSignIn, at, aUser, say, told } from "./rows.mjs";

const [, , place, me, count] = process.argv;
const storer = await open(place);
await storer.ready();
say("ready");
await told();

for (let index = 0; index < Number(count); index += 1) {
  const name = `r${index}`;
  if (await storer.createUser(aUser(name, { pid: `pid-${name}-of-${me}` }))) say(`registered ${index}`);
  if (await storer.consumeChallenge(`challenge-${name}`, "session", at(1))) say(`spent ${index}`);
  if ((await storer.changePasswordHash("pid-ann", index, `by ${me}`)) !== null) say(`changed ${index}`);
  if ((await storer.countUse("uses", Number(count), 1000, at(0))).admitted) say(`counted ${index}`);
  if (await storer.admitTry("challenge-tries", "session", at(1))) say(`tried ${index}`);
  if (await storer.finishConfirmation(aLink(name), at(1))) say(`confirmed ${index}`);
  const attempt = await storer.admitAttempt("subject", aPolicy, at(1));
  if (attempt.admitted) say(`admitted ${index}`);
  else if (attempt.lockedNow) say(`locked ${index}`);
  const rotation = await storer.rotateRememberSeries({ selector: `series-${name}`, verifierHash: "first" }, me, 1000, at(1));
  say(`${rotation.kind} ${index}`);
  for (const { id } of await storer.claimMails(at(1), at(2), 1)) say(`claimed ${id}`);
  const next = { key: `key-${index}-of-${me}`, level: "full", factors: [], epoch: 0 };
  if (await storer.replaceSignIn(`key-${index}`, next, at(1))) say(`replaced ${index}`);
  // Two tables in one transaction: a user with an identity, and an identity that is not the last one.
  const comer = aUser(`i${index}`, { pid: `pid-i${index}-of-${me}` });
  if (await storer.createUserWithIdentity(comer, anIdentity(name))) say(`came ${index}`);
  if ((await storer.unlinkIdentity(`pid-u${index}`, 0, "https://id.example", `${me}${index}`, true)) !== null) say(`unlinked ${index}`);
  if (await storer.takeFlow(`flow-${index}`, "browser", "callback/demo", at(1))) say(`returned ${index}`);
  await storer.createSignIn(`own-${index}-of-${me}`, { ...aSignIn("bob"), id: `own-${index}-of-${me}` });
}
await storer.close();
