/**
 * Second factors in Chromium, with JavaScript and without: the QR picture is read from the screen by zbarimg, the codes come from oathtool. A phone is lost, a recovery code is used, a browser is trusted, the
 * factor is removed. @module
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { auth } from "@castellan/auth";
import { logout } from "@castellan/logout";
import { otp } from "@castellan/otp";
import { sms } from "@castellan/sms";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { manualClock } from "@castellan/testkit";
import { totp } from "@castellan/totp";
import { twofactor } from "@castellan/twofactor";
import { castellan, days, developmentOutbox, expressSessions, minutes } from "castellan";
import express from "express";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, lowTargets, scrollsSideways, violations, watch, withoutChromium } from "./support/chromium.ts";
import { freePort } from "./support/example.ts";
import { fill, follow, PASSWORD, textOf } from "./support/visitor.ts";

const EMAIL = "ann@example.com";
const run = promisify(execFile);

const missing = ["/usr/bin/oathtool", "/usr/bin/zbarimg"].filter((program) => !existsSync(program));
const withoutTools = missing.length > 0 && process.env["CI"] !== "true";
if (withoutTools)
  console.warn(
    `\n*** ${missing.join(" and ")} missing: second factors are NOT tested in a browser. Install oathtool and zbar-tools. ***\n`,
  );

async function start(folder: string) {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const clock = manualClock();
  const outbox = developmentOutbox({ clock });
  const storer = await sqlite(join(folder, "app.db"));
  const gate = castellan({
    development: true,
    rootUrl: url,
    applicationName: "Example",
    keys: ["a-key-of-the-tests-9876543210-zyxwvutsrqponm"],
    sessions: expressSessions({ secret: "a-secret-of-the-tests-0123456789-abcdefghijkl" }),
    logger: { info() {}, warn() {}, error() {} },
    storer,
    clock,
    sms: outbox.sms,
    sweepEvery: null,
    modules: {
      auth: auth(),
      logout: logout(),
      otp: otp(),
      twofactor: twofactor({ trust: days(30) }),
      totp: totp(),
      sms: sms({ countries: ["CH"] }),
    },
  });
  const app = express();
  app.use(gate.clientState());
  app.use("/auth", gate.router);
  app.get("/", (_req, res) => void res.type("html").send('<!doctype html><html lang="en"><title>Start</title><h1>Start</h1>'));
  app.get("/safe", gate.require({ twoFactored: true, within: minutes(5) }), (_req, res) => {
    res.type("html").send('<!doctype html><html lang="en"><title>Safe</title><h1>Safe</h1>');
  });
  const server = createServer(app);
  await gate.ready();
  await new Promise<void>((resolve) => server.listen(port, "localhost", resolve));
  await storer.createUser({ pid: "ann", login: EMAIL, email: EMAIL, passwordHash: null, profile: {}, createdAt: clock.now() });
  await gate.updatePassword("ann", PASSWORD);
  return {
    url,
    clock,
    /** The code of the last text message. */
    sentCode: (): string => outbox.sms.list().at(-1)?.message.text.slice(0, 6) ?? "",
    async end(): Promise<void> {
      await gate.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.skipIf(withoutChromium || withoutTools).each([false, true])(
  "second factors in Chromium, with JavaScript %s",
  (javaScriptEnabled) => {
    let folder: string;
    let app: Awaited<ReturnType<typeof start>>;
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;
    let complaints: readonly string[];
    let secret = "";
    let recoveryCodes: readonly string[] = [];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "factors-"));
      [app, browser] = await Promise.all([start(folder), launchChromium()]);
      context = await browser.newContext({ baseURL: app.url, javaScriptEnabled });
      page = await context.newPage();
      complaints = watch(page);
    });
    afterAll(async () => {
      await browser?.close();
      await app?.end();
      await rm(folder, { recursive: true, force: true });
    });

    /** The page as it stands, at each width, in both themes. */
    const look = async (heading: string): Promise<void> => {
      expect(await textOf(page.getByRole("heading", { level: 1 }))).toBe(heading);
      for (const colorScheme of ["dark", "light"] as const) {
        // Without motion: a colour that is on its way to another is none that people read.
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        for (const width of [360, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          expect(await scrollsSideways(page), `sideways at ${width}`).toBe(false);
          expect(await lowTargets(page), `low targets at ${width}`).toEqual([]);
        }
        if (javaScriptEnabled) expect(await violations(page)).toEqual([]);
      }
    };
    const press = (name: string): Promise<void> => follow(page.getByRole("button", { name, exact: true }));
    const go = (name: string): Promise<void> => follow(page.getByRole("link", { name, exact: true }));
    /** What the phone shows half a minute and more after the last code. */
    const nextCode = async (): Promise<string> => {
      app.clock.advance(minutes(1));
      const now = app.clock.now().toISOString().slice(0, 19).replace("T", " ");
      return (await run("oathtool", ["--totp", "--base32", `--now=${now} UTC`, secret])).stdout.trim();
    };
    const signIn = async (): Promise<void> => {
      await page.goto("/auth/login");
      await fill(page, { email: EMAIL, password: PASSWORD });
    };
    const signOut = async (): Promise<void> => {
      await page.goto("/auth/2fa");
      await press("Sign out");
    };

    it("are set up by the picture on the screen, and a code of the phone", async () => {
      await signIn();
      await page.goto("/auth/2fa");
      await look("Second factors");
      await go("Set up Authenticator app");
      await look("Set up an authenticator app");
      await press("Begin");
      await look("Set up an authenticator app");
      const picture = join(folder, "screen.png");
      await page.locator("img.qr").screenshot({ path: picture });
      const uri = new URL((await run("zbarimg", ["--quiet", "--raw", "--nodbus", picture])).stdout.trim());
      expect(uri.pathname).toBe("/Example:ann%40example.com");
      secret = uri.searchParams.get("secret") ?? "";
      expect(await textOf(page.locator("code.key"))).toBe(secret.match(/.{4}/g)?.join(" "));

      await fill(page, { code: "000000" });
      expect(await textOf(page.locator(".problem").first())).toContain("This code is not right");
      await look("Set up an authenticator app");
      await fill(page, { code: await nextCode() });
      await look("Your second factor is on");
      recoveryCodes = await page.locator(".codes code").allInnerTexts();
      expect(recoveryCodes).toHaveLength(10);
      const saved = await page.getByRole("link", { name: "Save as a text file" }).getAttribute("href");
      expect(
        decodeURIComponent(saved ?? "")
          .split(",")[1]
          ?.trim()
          .split("\r\n"),
      ).toEqual(recoveryCodes);
      await go("I have kept them");
      await look("Second factors");
      expect(await textOf(page.locator("main"))).toContain("Recovery codes left: 10");
      expect(await page.content()).not.toContain(secret);
    });

    it("are asked for at the next sign-in, and given by a code of the phone", async () => {
      await signOut();
      await signIn();
      await look("Your code");
      await page.goto("/safe");
      expect(new URL(page.url()).pathname).toBe("/auth/login");
      await page.goto("/auth/2fa/totp/validate");
      await fill(page, { code: await nextCode() });
      expect(new URL(page.url()).pathname).toBe("/");
      await page.goto("/safe");
      expect(await textOf(page.getByRole("heading"))).toBe("Safe");
    });

    it("can be two: the stronger is asked for first, and the person chooses", async () => {
      await page.goto("/auth/2fa");
      await go("Set up Text message");
      await page.locator('[name="phone_number"]').fill("079 123 45 67");
      await press("Send me a code");
      await fill(page, { code: app.sentCode() });
      await go("Go on");
      expect(await textOf(page.locator("main"))).toContain("Remove Text message");
      app.clock.advance(minutes(2));
      await signOut();
      await signIn();
      await look("Your code");
      await go("Try another way");
      await look("Confirm that it is you");
      expect(await page.locator(".ways a").allInnerTexts()).toEqual(["Authenticator app", "Text message", "Recovery code"]);
      await go("Text message");
      await press("Send me a code");
      await fill(page, { code: app.sentCode() });
      expect(new URL(page.url()).pathname).toBe("/");
    });

    it("are replaced by a recovery code when the phone is lost, and removed", async () => {
      app.clock.advance(minutes(2));
      await signOut();
      await signIn();
      await go("Try another way");
      await go("Recovery code");
      await look("Use a recovery code");
      await fill(page, { recovery_code: "wrong" });
      await look("Use a recovery code");
      await fill(page, { recovery_code: recoveryCodes[3]?.toUpperCase() ?? "" });
      await page.goto("/auth/2fa");
      expect(await textOf(page.locator("main"))).toContain("Recovery codes left: 9");
      await go("Remove Text message");
      await press("Remove");
      expect(await textOf(page.locator(".notice"))).toContain("The second factor is removed");
      await go("Make new ones");
      await look("Recovery codes");
      await press("Make new recovery codes");
      await look("Recovery codes");
      expect(await page.locator(".codes code").allInnerTexts()).toHaveLength(10);
    });

    it("are not asked for in a browser that is trusted, but by a page that wants one", async () => {
      await signOut();
      await signIn();
      await page.locator('[name="trust"]').check();
      await fill(page, { code: await nextCode() });
      await signOut();
      await signIn();
      expect(new URL(page.url()).pathname).toBe("/");
      await page.goto("/safe");
      await look("Your code");
      await fill(page, { code: await nextCode() });
      expect(await textOf(page.getByRole("heading"))).toBe("Safe");
      await page.goto("/auth/2fa");
      await look("Second factors");
      await press("Ask here again");
      await signOut();
      await signIn();
      await look("Your code");
      await fill(page, { code: await nextCode() });
    });

    it("are gone once they are removed: the password is enough again", async () => {
      await page.goto("/auth/2fa");
      await go("Remove Authenticator app");
      await look("Remove the authenticator app");
      await press("Remove it");
      await signOut();
      await signIn();
      expect(new URL(page.url()).pathname).toBe("/");
      await page.goto("/auth/otp/add");
      await look("One-time passwords");
      await press("Make a one-time password");
      await look("One-time passwords");
      const password = await textOf(page.locator("main code"));
      await signOut();
      await page.goto("/auth/otp/login");
      await look("Sign in with a one-time password");
      await fill(page, { email: EMAIL, one_time_password: password });
      expect(new URL(page.url()).pathname).toBe("/");
      expect(complaints).toEqual([]);
    });

    it("leave nothing of what was shown in the database file", async () => {
      const bytes = await Promise.all(["app.db", "app.db-wal"].map((file) => readFile(join(folder, file)).catch(() => Buffer.alloc(0))));
      for (const shown of [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll("-", ""))]) {
        expect(shown.length).toBeGreaterThan(20);
        for (const content of bytes) expect(content.includes(shown)).toBe(false);
      }
    });
  },
);
