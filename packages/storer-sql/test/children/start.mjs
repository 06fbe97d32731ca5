/** Starts on a database as an application does, once it is told to, and says what it had to do: `node start.mjs PLACE ME`. @module */
import { open } from "./open.mjs";
import { aUser, say, told } from "./rows.mjs";

const [, , place, me] = process.argv;
say("waiting");
await told();

let made = 0;
const onQuery = (sql) => {
  if (sql.startsWith("CREATE TABLE castellan_user")) made += 1;
};
const storer = await open(place, { onQuery });
await storer.ready();
say(`made ${made}`);
say(`registered ${await storer.createUser(aUser(me))}`);
await storer.close();
