/** Writes until it is killed, and says what was acknowledged: `node load.mjs FILE ROUND`. @module */
import { sqlite } from "@castellan/storer-sql/sqlite";
import { aChallenge, aLink, aMail, aSignIn, at, aUser, say } from "./rows.mjs";

const [, , file, round] = process.argv;
const storer = await sqlite(file);
await storer.ready();

for (let index = 0; ; index += 1) {
  const name = `${round}-${index}`;
  const pid = `pid-${name}`;
  if (await storer.createUser(aUser(name))) say(`registered ${name}`);
  await storer.createChallenge(aChallenge(name));
  if (await storer.consumeChallenge(`challenge-${name}`, `session-${name}`, at(1))) say(`spent ${name}`);
  if (await storer.createSignIn(`key-${name}`, aSignIn(name))) say(`signed-in ${name}`);
  if (index % 2 === 0 && (await storer.endSignIn(`key-${name}`))) say(`signed-out ${name}`);
  if ((await storer.countUse("uses", Number.MAX_SAFE_INTEGER, 1000, at(0))).admitted) say(`counted ${name}`);
  storer.saveSession(`key-${name}`, { data: `{"of":"${name}"}`, expiresAt: at(1000) });
  say(`saved ${name}`);
  await storer.queueMail(aMail(name));
  say(`queued ${name}`);
  if (index % 2 === 0 && (await storer.removeMail(`mail-${name}`))) say(`mailed ${name}`);
  if ((await storer.changePasswordHash(pid, 0, `hash of ${name}`)) === 1) say(`changed ${name}`);
  await storer.startRecovery([aLink(name, { epoch: 1 })]);
  if ((await storer.finishRecovery(aLink(name), `recovered by ${name}`, at(1)))?.epoch === 2) say(`recovered ${name}`);
}
