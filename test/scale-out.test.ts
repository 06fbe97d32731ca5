/** Two processes of one application behind nginx, over one database: what one of them decides counts for the other, a database that goes and comes back is survived, and a kill -9 loses and doubles nothing that was acknowledged. @module */
import assert from "node:assert/strict";
import type { Answer, BrowserClient } from "@castellan/testkit";
import { openStorer } from "castellan";
import { generateSync } from "otplib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { servers } from "./support/engines.ts";
import { withoutNginx } from "./support/nginx.ts";
import {
  dataOf,
  NEW_PASSWORD,
  PASSWORD,
  processOf,
  register,
  signIn,
  startTwo,
  type TwoProcesses,
  verdictOf,
  who,
} from "./support/two-processes.ts";

const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

/** The code that an authenticator shows now, or so many seconds from now: two different ones can be used without waiting. */
const codeOf = (secret: string, later = 0): string =>
  generateSync({ secret, strategy: "totp", epoch: Math.floor(Date.now() / 1000) + later });

describe.each(servers)("two processes over $name", (engine) => {
  describe.skipIf(engine.isMissing || withoutNginx)("behind nginx", () => {
    let two: TwoProcesses;
    const browser = (): BrowserClient => two.browser();

    beforeAll(async () => {
      two = await startTwo(engine);
    }, 60_000);
    afterAll(async () => {
      await two?.end();
    });

    /** Registers somebody whose sign-in asks for a code, and answers the secret. */
    const enrol = async (email: string): Promise<string> => {
      const client = browser();
      await register(client, email);
      await client.json("POST", "/auth/2fa/totp/setup", {});
      const secret = String(dataOf(await client.json("GET", "/auth/2fa/totp/confirm"))["secret"]);
      assert.equal((await client.json("POST", "/auth/2fa/totp/confirm", { code: codeOf(secret) })).status, 200);
      return secret;
    };
    const answerCode = (client: BrowserClient, code: string): Promise<Answer> => client.json("POST", "/auth/2fa/totp/validate", { code });

    it("know a sign-in that the other has made, what the application keeps for it, and that it has ended", async () => {
      const client = browser();
      expect(verdictOf(await register(client, "ann@example.com"))).toBe("200 registered");
      await client.json("POST", "/cart", { cart: ["tea"] });
      const seen = new Set<string>();
      for (let round = 0; round < 6; round += 1) {
        const answer = await client.json("GET", "/cart");
        expect(dataOf(answer)).toEqual({ cart: ["tea"] });
        seen.add(processOf(answer));
      }
      expect(seen.size).toBe(2);
      const copy = client.fork();
      expect((await client.json("POST", "/auth/logout", {})).status).toBe(200);
      for (let round = 0; round < 4; round += 1) expect((await who(copy)).status).toBe(401);
    });

    it("count guesses together: after five wrong ones over both the right one is refused by each", async () => {
      await register(browser(), "bob@example.com");
      const wrong = await times(7, () => signIn(browser(), "bob@example.com", "wrong"));
      // Five are looked at, whichever process they came to.
      expect(wrong.map(verdictOf).sort()).toEqual([...Array(5).fill("401 invalid_credentials"), ...Array(2).fill("403 account_locked")]);
      for (let round = 0; round < 3; round += 1) expect(verdictOf(await signIn(browser(), "bob@example.com"))).toBe("403 account_locked");
    });

    it("give one login to one of twenty who ask for it at once", async () => {
      const answers = await times(20, () => register(browser(), "cat@example.com"));
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    });

    it("take a mailed link once, and count those who ask for one together", async () => {
      await register(browser(), "dan@example.com");
      const asked = await times(25, (index) =>
        browser().json("POST", "/auth/recover", { email: index === 0 ? "dan@example.com" : `d${index}@x.test` }),
      );
      expect(asked.map(({ status }) => status).sort()).toEqual([...Array(20).fill(200), ...Array(5).fill(429)]);
      const mails = (await times(2, () => browser().json("POST", "/deliver", {}))).map((answer) => answer.text).join("\n");
      const token = /recover\/end\?token=([\w-]+)/.exec(mails)?.[1];
      assert.ok(token);
      const answers = await times(20, (index) =>
        browser().json("POST", "/auth/recover/end", { token, password: `${NEW_PASSWORD} ${index}` }),
      );
      expect(answers.map(verdictOf).sort()).toEqual(["200 password_recovered", ...Array(19).fill("410 link_invalid")]);
      const winner = answers.findIndex(({ status }) => status === 200);
      expect(verdictOf(await signIn(browser(), "dan@example.com", `${NEW_PASSWORD} ${winner}`))).toBe("200 signed_in");
    });

    it("ask for a code that the other then takes, and take it once of five that come at once", async () => {
      const secret = await enrol("eve@example.com");
      const client = browser();
      const begun = await signIn(client, "eve@example.com");
      const ended = await answerCode(client, codeOf(secret, 30));
      expect([verdictOf(begun), verdictOf(ended), processOf(begun) === processOf(ended)]).toEqual([
        "200 second_factor_required",
        "200 signed_in",
        false,
      ]);
      expect((await who(client)).status).toBe(200);

      const other = await enrol("fay@example.com");
      // Five, so that the four that come too late do not lock the account.
      const waiting = await times(5, async () => {
        const visitor = browser();
        await signIn(visitor, "fay@example.com");
        return visitor;
      });
      const code = codeOf(other, 30);
      await Promise.all(waiting.map((visitor) => answerCode(visitor, code)));
      const inside = await Promise.all(waiting.map(who));
      expect(inside.filter(({ status }) => status === 200)).toHaveLength(1);
    });

    it("answer 503 while the database is away, and go on by themselves when it is back", async () => {
      const inside = browser();
      await register(inside, "gil@example.com");
      const asks: readonly (() => Promise<Answer>)[] = [
        () => who(inside),
        () => signIn(browser(), "gil@example.com"),
        () => register(browser(), "hal@example.com"),
      ];
      const before = new Set((await times(4, () => who(inside))).map(processOf));
      let phase: "up" | "away" | "over" = "up";
      const whileAway: string[] = [];
      /** Asks on and on; what is asked from the end of the server to its new beginning is noted. */
      const visitor = async (ask: () => Promise<Answer>): Promise<void> => {
        while (phase !== "over") {
          const isAway = phase === "away";
          const answer = await ask();
          if (isAway && phase === "away") whileAway.push(verdictOf(answer));
        }
      };
      const outage = async (): Promise<void> => {
        await two.database.stop();
        phase = "away";
        await expect.poll(() => whileAway.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(30);
        phase = "up";
        await two.database.start();
        phase = "over";
      };
      await Promise.all([outage(), ...asks.map(visitor)]);
      expect([...new Set(whileAway)]).toEqual(["503 unavailable"]);

      for (const ask of [() => who(inside), () => signIn(browser(), "gil@example.com")]) {
        const tries: number[] = [];
        while (tries.length < 5 && tries.at(-1) !== 200) tries.push((await ask()).status);
        expect(tries.at(-1)).toBe(200);
      }
      const after = new Set((await times(4, () => who(inside))).map(processOf));
      expect(after).toEqual(before);
    }, 60_000);

    it("lose and double nothing that was acknowledged when one is killed in the middle of a load, and the other goes on", async () => {
      const registered: string[] = [];
      const changed: string[] = [];
      const spent: { email: string; password: string }[] = [];
      let isKilled = false;
      let afterKill = 0;
      let next = 0;

      /** One visitor after the other: registers, changes the password or spends a one-time password, and notes what was acknowledged. */
      const visit = async (): Promise<void> => {
        const [number, client] = [next, browser()];
        next += 1;
        const email = `load-${number}@example.com`;
        if ((await register(client, email)).status !== 200) return;
        registered.push(email);
        if (isKilled) afterKill += 1;
        if (number % 2 === 0) {
          const answer = await client.json("POST", "/auth/password", { password: PASSWORD, new_password: NEW_PASSWORD });
          if (answer.status === 200) changed.push(email);
          else if (answer.status < 500) assert.fail(`the change of a password was refused: ${verdictOf(answer)}`);
          return;
        }
        const made = await client.json("POST", "/auth/otp/add", {});
        if (made.status !== 200) return;
        const { password } = made.json() as { password: string };
        const used = await browser().json("POST", "/auth/otp/login", { email, one_time_password: password });
        if (used.status === 200) spent.push({ email, password });
      };
      /** A connection that breaks is no acknowledgement. */
      const visitor = async (): Promise<void> => {
        while (afterKill < 25)
          await visit().catch((error: unknown) =>
            assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error)),
          );
      };
      const killer = async (): Promise<void> => {
        await expect.poll(() => registered.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(25);
        await two.processes[0].kill();
        isKilled = true;
      };
      await Promise.all([killer(), ...Array.from({ length: 6 }, visitor)]);

      expect(changed.length).toBeGreaterThan(5);
      expect(spent.length).toBeGreaterThan(5);
      const isChanged = new Set(changed);
      for (const email of registered) {
        // A change that was not acknowledged may have happened or not; one of the two is the password.
        const current = isChanged.has(email) ? [NEW_PASSWORD] : [PASSWORD, NEW_PASSWORD];
        const verdicts: string[] = [];
        for (const password of current) verdicts.push(verdictOf(await signIn(browser(), email, password)));
        expect([email, verdicts.filter((verdict) => verdict === "200 signed_in").length]).toEqual([email, 1]);
        if (isChanged.has(email)) expect(verdictOf(await signIn(browser(), email, PASSWORD))).toBe("401 invalid_credentials");
      }
      for (const { email, password } of spent) {
        expect(verdictOf(await browser().json("POST", "/auth/otp/login", { email, one_time_password: password }))).toBe(
          "401 invalid_credentials",
        );
      }
      const storer = await openStorer(two.database.uri);
      assert.ok(storer.findByLogin);
      const pids = new Set<string | undefined>();
      for (const email of registered) pids.add((await storer.findByLogin(email))?.pid);
      await storer.close?.();
      expect([pids.size, pids.has(undefined)]).toEqual([registered.length, false]);
    }, 60_000);
  });
});
