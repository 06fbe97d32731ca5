/** Tries to be first with everything, against others on the same file, and says what it won: `node race.mjs FILE ME COUNT`. @module */
import { minutes } from "@castellan/core";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { aSignIn, at, aUser, say, told } from "./rows.mjs";

const [, , file, me, count] = process.argv;
// Who wins is the question, not how fast: on a busy machine the other one may hold the file for longer than an application would wait.
const storer = await sqlite({ file, busyTimeout: minutes(1) });
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
  const next = { key: `key-${index}-of-${me}`, level: "full", factors: [], epoch: 0 };
  if (await storer.replaceSignIn(`key-${index}`, next, at(1))) say(`replaced ${index}`);
  await storer.createSignIn(`own-${index}-of-${me}`, { ...aSignIn("bob"), id: `own-${index}-of-${me}` });
}
await storer.close();
