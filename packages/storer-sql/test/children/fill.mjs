/** Writes until the disk refuses, has the limit lifted, and writes on: `node fill.mjs FILE`, under a limit to the size of a file. @module */
import { execFileSync } from "node:child_process";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { aUser, say } from "./rows.mjs";

const storer = await sqlite(process.argv[2]);
await storer.ready();

await storer.createUser(aUser("ann"));

/** Each write is one that answers a row: it has its answer before it is committed, and must not give it then. */
const change = async (index) => say(`epoch ${await storer.setPasswordHash("pid-ann", `${index} ${"x".repeat(3000)}`)}`);

let refusal = null;
for (let index = 0; index < 500 && !refusal; index += 1) {
  await change(index).catch((error) => {
    refusal = error;
  });
}
say(`refused ${refusal?.code} ${refusal?.status}`);
say(`reads ${(await storer.load("pid-ann"))?.login}`);

execFileSync("prlimit", ["--pid", String(process.pid), "--fsize=unlimited"]);
await change("again");
await storer.close();
