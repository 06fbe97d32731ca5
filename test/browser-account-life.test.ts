/** The whole life of an account in the full example: Chromium, with JavaScript and without; the mails are read in the outbox. @module */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, lowTargets, scrollsSideways, violations, watch, withoutChromium } from "./support/chromium.ts";
import { engines, type TestServer } from "./support/engines.ts";
import { type Example, removeDataDirectory, startExample } from "./support/example.ts";
import { fill, follow, networks, PASSWORD, register, signIn, textOf } from "./support/visitor.ts";

const NEW_PASSWORD = "another long and quiet pass phrase";
const NEWER_PASSWORD = "a third one that nobody will guess";

const lives = engines.filter(({ isMissing }) => !isMissing).map((engine) => ({ kind: engine.name, engine, javaScriptEnabled: true }));
/** Without JavaScript the pages differ, and the engines do not. */
const allLives = [...lives, ...lives.slice(0, 1).map((life) => ({ ...life, javaScriptEnabled: false }))];

describe.skipIf(withoutChromium).each(allLives)(
  "the life of an account on $kind in Chromium, with JavaScript $javaScriptEnabled",
  (life) => {
    const { javaScriptEnabled } = life;
    const email = `life-${javaScriptEnabled}@example.com`;
    let server: TestServer;
    const network = networks();
    let example: Example;
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;
    let complaints: readonly string[];

    const visitor = (storageState?: Awaited<ReturnType<BrowserContext["storageState"]>>): Promise<BrowserContext> =>
      browser.newContext({
        baseURL: example.url,
        javaScriptEnabled,
        extraHTTPHeaders: { "x-forwarded-for": network() },
        ...(storageState && { storageState }),
      });
    const notice = (on: Page = page): Promise<string> => textOf(on.locator(".notice"));
    const pathOf = (on: Page = page): string => new URL(on.url()).pathname;

    /** The link in the newest mail with this subject, once it has been delivered. */
    const linkIn = async (subject: string): Promise<string> => {
      let found: string | undefined;
      await expect
        .poll(async () => {
          const reply = await fetch(`${example.url}/dev/outbox`, { headers: { accept: "application/json" } });
          const { messages } = (await reply.json()) as {
            messages: { message: { subject: string; text: string; to: { address: string } } }[];
          };
          const mail = messages.find(({ message }) => message.subject === subject && message.to.address === email);
          found = /http:\S+/.exec(mail?.message.text ?? "")?.[0];
          return found;
        })
        .toBeDefined();
      return String(found);
    };
    /** A page that a mail led to has no token in its address, and looks as every page must. */
    const landed = async (path: string): Promise<void> => {
      expect(page.url()).toBe(example.url + path);
      expect(await lowTargets(page)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 800 });
      expect(await scrollsSideways(page)).toBe(false);
      await page.setViewportSize({ width: 1280, height: 800 });
      if (javaScriptEnabled) expect(await violations(page)).toEqual([]);
    };

    beforeAll(async () => {
      server = await life.engine.start();
      [example, browser] = await Promise.all([startExample({ DATABASE_URL: server.uri }), launchChromium()]);
      context = await visitor();
      page = await context.newPage();
      complaints = watch(page);
    });
    afterAll(async () => {
      await browser?.close();
      await example?.end();
      await removeDataDirectory(example?.dataDirectory);
      await server?.end();
    });

    it("begins with a registration, and a link that proves the address", async () => {
      await register(page, email);
      expect(await textOf(page.locator("main"))).toContain("not confirmed yet");
      await page.goto("/confirmed");
      expect([pathOf(), await notice()]).toEqual([
        "/auth/confirm/resend",
        "Please confirm your address first: open the link in the mail that we sent you.",
      ]);
      await page.goto(await linkIn("Confirm your address"));
      await landed("/auth/confirm");
      await follow(page.getByRole("button", { name: "Confirm" }));
      expect([pathOf(), await notice()]).toEqual(["/account", "Your address is confirmed. You can sign in now."]);
      expect(await textOf(page.locator("main"))).not.toContain("not confirmed yet");
      await page.goto("/confirmed");
      expect(pathOf()).toBe("/confirmed");
    });

    it("goes on with a change of password, which ends what is signed in elsewhere", async () => {
      const other = await visitor();
      const elsewhere = await other.newPage();
      await signIn(elsewhere, email);
      await page.goto("/account");
      await follow(page.getByRole("link", { name: "change your password" }));
      await landed("/auth/password");
      await fill(page, { password: PASSWORD, new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD });
      expect([pathOf(), await notice()]).toEqual(["/account", "Your password is changed. You are signed out everywhere else."]);
      await elsewhere.goto("/account");
      expect(pathOf(elsewhere)).toBe("/auth/login");
      await other.close();
      await arrived("Your password was changed");
    });

    it("is locked by a stranger's guesses, while the owner's own browser still gets in", async () => {
      const stranger = await visitor();
      const guesses = await stranger.newPage();
      for (let tries = 0; tries < 6; tries += 1) await signIn(guesses, email, "a wrong password, guessed");
      expect(await notice(guesses)).toContain("This account is locked");
      await follow(page.getByRole("button", { name: "Sign out" }));
      await signIn(page, email, NEW_PASSWORD);
      expect(pathOf()).toBe("/account");
      await guesses.goto(await linkIn("Your account was locked"));
      expect(new URL(guesses.url()).search).toBe("");
      await follow(guesses.getByRole("button", { name: "Unlock" }));
      expect(await notice(guesses)).toBe("Your account is unlocked. You can sign in now.");
      await signIn(guesses, email, NEW_PASSWORD);
      expect(pathOf(guesses)).toBe("/account");
      await stranger.close();
    });

    it("survives a forgotten password", async () => {
      await follow(page.getByRole("button", { name: "Sign out" }));
      await page.goto("/auth/login");
      await follow(page.getByRole("link", { name: "Forgot your password?" }));
      await landed("/auth/recover");
      await fill(page, { email });
      expect(await notice()).toBe("If there is an account for this, a mail with a link is on its way.");
      await page.goto(await linkIn("Choose a new password"));
      await landed("/auth/recover/end");
      await fill(page, { password: "short", confirm_password: "short" });
      expect(await textOf(page.locator(".problems"))).toContain("at least 15");
      await fill(page, { password: NEWER_PASSWORD, confirm_password: NEWER_PASSWORD });
      expect([pathOf(), await notice()]).toEqual(["/auth/login", "Your new password is saved. You can sign in with it now."]);
      await signIn(page, email, NEW_PASSWORD);
      expect(await notice()).toContain("not right");
    });

    it("is remembered when the browser was closed, by half: full pages ask for the password again", async () => {
      await page.goto("/auth/login");
      await page.getByLabel("Keep me signed in on this device").check();
      await fill(page, { email, password: NEWER_PASSWORD });
      expect(pathOf()).toBe("/account");
      const state = await context.storageState();
      // A browser that is closed forgets the cookies that have no date.
      const kept = { ...state, cookies: state.cookies.filter(({ expires }) => expires !== -1) };
      await context.close();
      context = await visitor(kept);
      page = await context.newPage();
      complaints = watch(page);
      await page.goto("/account");
      expect(pathOf()).toBe("/account");
      await page.goto("/full");
      expect([pathOf(), await notice()]).toEqual(["/auth/login", "Please confirm your password to see this page."]);
      await fill(page, { email, password: NEWER_PASSWORD });
      expect(pathOf()).toBe("/full");
      expect(complaints).toEqual([]);
    });

    /** A mail without a link, once it has been delivered. */
    async function arrived(subject: string): Promise<void> {
      await expect.poll(async () => (await fetch(`${example.url}/dev/outbox`)).text()).toContain(subject);
    }
  },
);
