import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, it, onTestFinished } from "vitest";
import { engines } from "./support/engines.ts";
import { aChallenge, aLink, aMail, aSignIn, at, aUser } from "./support/places.ts";
import type { TestServer } from "./support/servers.ts";

/** As servers come: what is acknowledged is on the disk. Later settings win over the fast ones of other tests. */
const AS_THEY_COME: Readonly<Record<string, readonly string[]>> = {
  PostgreSQL: ["fsync=on", "full_page_writes=on", "synchronous_commit=on"],
  MariaDB: ["--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=1"],
};

/** After how many acknowledgements the server is killed, round by round. */
const KILLED_AFTER = [5, 41, 120];

describe.each(engines)("what was acknowledged by $name", (engine) => {
  describe.skipIf(engine.isMissing)("with the settings that it comes with", () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await engine.start(AS_THEY_COME[engine.name]);
    });
    afterAll(() => server?.end());

    it("is all there after the server was killed in the middle of a load, round after round", async () => {
      const storer = await engine.open(server.uri);
      onTestFinished(() => storer.close());
      await storer.ready();
      for (const [round, acknowledgements] of KILLED_AFTER.entries()) {
        const said: string[] = [];
        let counted = 0;
        let killing: Promise<void> | undefined;
        const say = (line: string): void => {
          said.push(line);
          if (said.length === acknowledgements) killing = server.stop();
        };
        const lane = async (me: number): Promise<void> => {
          for (let index = 0; ; index += 1) {
            const name = `${round}-${me}-${index}`;
            if (await storer.createUser(aUser(name, { email: `${name}@example.com` }))) say(`registered ${name}`);
            await storer.createChallenge(aChallenge(name));
            if (await storer.consumeChallenge(`challenge-${name}`, `session-${name}`, at(1))) say(`spent ${name}`);
            if (await storer.createSignIn(`key-${name}`, aSignIn(name))) say(`signed-in ${name}`);
            if (await storer.endSignIn(`key-${name}`)) say(`signed-out ${name}`);
            if ((await storer.countUse(`uses ${round}`, 1_000_000, 1000, at(0))).admitted) {
              counted += 1;
              say(`counted ${name}`);
            }
            await storer.queueMail(aMail(name));
            say(`queued ${name}`);
            await storer.startConfirmation(aLink(name));
            if (await storer.finishConfirmation(aLink(name), at(1))) say(`confirmed ${name}`);
            if ((await storer.changePasswordHash(`pid-${name}`, 0, `hash of ${name}`)) === 1) say(`changed ${name}`);
          }
        };
        const ends = await Promise.allSettled([0, 1, 2, 3].map(lane));
        for (const end of ends) assert.equal(end.status === "rejected" && Object(end.reason).code, "CASTELLAN_UNAVAILABLE");
        await killing;
        await server.start();

        const queued = new Set(
          (await engine.within(server.uri, (all) => all("SELECT public_id FROM castellan_mail"))).map(({ public_id }) => String(public_id)),
        );
        assert.ok(said.length >= acknowledgements);
        for (const line of said) {
          const [what, name = ""] = line.split(" ");
          const user = await storer.load(`pid-${name}`);
          if (what === "registered") assert.equal(user?.login, name, line);
          if (what === "spent") assert.equal(await storer.consumeChallenge(`challenge-${name}`, `session-${name}`, at(1)), null, line);
          if (what === "signed-out") assert.equal(await storer.findSignIn(`key-${name}`, at(1)), null, line);
          if (what === "queued") assert.ok(queued.has(`mail-${name}`), line);
          if (what === "confirmed") assert.deepEqual(user?.confirmedAt, at(1), line);
          if (what === "changed") assert.deepEqual([user?.epoch, user?.passwordHash], [1, `hash of ${name}`], line);
        }
        // One more than was told for each of the four, at most: it was done, and nobody was left to hear it.
        const [row] = await engine.within(server.uri, (all) =>
          all(`SELECT uses FROM castellan_count WHERE ${engine.name === "MariaDB" ? "count_key" : "key"} = 'uses ${round}'`),
        );
        const uses = Number(row?.["uses"] ?? 0);
        assert.ok(uses >= counted && uses <= counted + 4, `${uses} of ${counted}`);
      }
    });
  });
});
