// @ts-check
/** Makes users until it is killed, and says each one once it is acknowledged. @module */
import { writeSync } from "node:fs";
import { jsonFile } from "@castellan/storer-file";

const storer = jsonFile(String(process.argv[2]));
await storer.ready();
for (let round = 0; ; round += 1) {
  await Promise.all(
    [0, 1, 2, 3].map(async (place) => {
      const pid = `pid-${round}-${place}`;
      await storer.createUser({ pid, login: pid, email: null, passwordHash: null, profile: {}, createdAt: new Date(0) });
      writeSync(1, `${pid}\n`);
    }),
  );
}
