/** Two processes of one application behind nginx, over one database: what one of them decides counts for the other, and a kill -9 loses and doubles nothing that was acknowledged. @module */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Answer, type BrowserClient, browserClient } from "@castellan/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engines } from "../packages/storer-sql/test/support/engines.ts";
import type { TestServer } from "../packages/storer-sql/test/support/servers.ts";
import { type Child, startChild } from "./support/child.ts";
import { freePort } from "./support/example.ts";

const NGINX = "/usr/sbin/nginx";
const PASSWORD = "correct horse battery staple";
const NEW_PASSWORD = "another horse battery staple";

const withoutNginx = !existsSync(NGINX) && process.env["CI"] !== "true";
if (withoutNginx) console.warn("\n*** no nginx: several processes behind one are NOT tested. apt-get install nginx ***\n");

/** nginx in front of these ports, on one of its own. A request that one of them has seen goes to no other one. */
async function startNginx(folder: string, port: number, upstreams: readonly string[]): Promise<() => Promise<void>> {
  const config = `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c; uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  upstream app { ${upstreams.map((upstream) => `server 127.0.0.1:${upstream} max_fails=1 fail_timeout=5s;`).join(" ")} }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app; proxy_set_header Host $host:${port}; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_connect_timeout 2s; proxy_next_upstream error timeout;
    }
  }
}`;
  const file = join(folder, "nginx.conf");
  await writeFile(file, config);
  const nginx = spawn(NGINX, ["-c", file, "-p", folder, "-e", join(folder, "error.log")], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => nginx.once("close", () => resolve()));
  // It says nothing when it listens: so it is asked.
  const isUp = async (): Promise<boolean> => {
    const status = await fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.status,
      () => 0,
    );
    return status === 404;
  };
  for (let tries = 0; !(await isUp()); tries += 1) {
    assert.ok(tries < 200, "nginx does not come up");
    await delay(50);
  }
  return async () => {
    nginx.kill("SIGKILL");
    await ended;
  };
}

const verdictOf = (answer: Answer): string => {
  const data = answer.headers["content-type"]?.includes("json") ? answer.json() : null;
  const reason = typeof data === "object" && data !== null && "reason" in data ? ` ${String(data.reason)}` : "";
  return `${answer.status}${reason}`;
};

describe.each(engines)("two processes over $name", (engine) => {
  describe.skipIf(engine.isMissing || withoutNginx)("behind nginx", () => {
    let folder: string;
    let database: TestServer;
    let instances: readonly Child[];
    let endNginx: () => Promise<void>;
    let url: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "scale-out-"));
      database = await engine.start();
      const port = await freePort();
      url = `http://localhost:${port}`;
      instances = [0, 1].map(() => startChild("instance", [database.uri, url]));
      const ports = await Promise.all(instances.map((instance) => instance.said("PORT ")));
      endNginx = await startNginx(folder, port, ports);
    }, 60_000);
    afterAll(async () => {
      await endNginx?.();
      await Promise.all(instances?.map((instance) => instance.kill()) ?? []);
      await database?.end();
      await rm(folder, { recursive: true, force: true });
    });

    const browser = (): BrowserClient => browserClient(url.replace("localhost", "127.0.0.1"), { origin: url });
    const register = (client: BrowserClient, email: string) => client.json("POST", "/auth/register", { email, password: PASSWORD });
    const signIn = (client: BrowserClient, email: string, password = PASSWORD) => client.json("POST", "/auth/login", { email, password });
    const who = async (client: BrowserClient): Promise<{ status: number; process: number | null }> => {
      const answer = await client.json("GET", "/who");
      const data = answer.status === 200 ? (answer.json() as { process: number }) : null;
      return { status: answer.status, process: data?.process ?? null };
    };

    it("know a sign-in that the other has made, and that it has ended", async () => {
      const client = browser();
      expect(verdictOf(await register(client, "ann@example.com"))).toBe("200 registered");
      const seen = new Set<number | null>();
      for (let round = 0; round < 6; round += 1) seen.add((await who(client)).process);
      expect(seen.size).toBe(2);
      const copy = client.fork();
      expect((await client.json("POST", "/auth/logout", {})).status).toBe(200);
      for (let round = 0; round < 4; round += 1) expect((await who(copy)).status).toBe(401);
    });

    it("count guesses together: after five wrong ones over both the right one is refused by each", async () => {
      await register(browser(), "bob@example.com");
      const wrong = await Promise.all(Array.from({ length: 7 }, () => signIn(browser(), "bob@example.com", "wrong")));
      // Five are looked at, whichever process they came to.
      expect(wrong.map(verdictOf).sort()).toEqual([...Array(5).fill("401 invalid_credentials"), ...Array(2).fill("403 account_locked")]);
      for (let round = 0; round < 3; round += 1) expect(verdictOf(await signIn(browser(), "bob@example.com"))).toBe("403 account_locked");
    });

    it("give one login to one of twenty who ask for it at once", async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => register(browser(), "cat@example.com")));
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    });

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
        await instances[0]?.kill();
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
      const rows = await engine.within(database.uri, (all) => all("SELECT login FROM castellan_user WHERE login LIKE 'load-%'"));
      expect(new Set(rows.map(({ login }) => login)).size).toBe(rows.length);
    }, 60_000);
  });
});
