/** Codes by text message in a real browser, as they look: the set-up, a sign-in, a failure, the removal. @module */
import { createServer, type Server } from "node:http";
import { auth } from "@castellan/auth";
import { sms } from "@castellan/sms";
import { memoryStorer } from "@castellan/testkit";
import { twofactor } from "@castellan/twofactor";
import { castellan, developmentOutbox, expressSessions, minutes, type SmsSender, systemClock } from "castellan";
import express from "express";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, lowTargets, scrollsSideways, violations, watch, withoutChromium } from "./support/chromium.ts";
import { freePort } from "./support/example.ts";
import { fill, follow, PASSWORD } from "./support/visitor.ts";

const EMAIL = "ann@example.com";
/** Tests go through more messages and sign-ins than a person does in a minute. */
const many = { max: 1000, per: minutes(1) };
const limits = Object.fromEntries(
  ["number", "number/hour", "number/day", "new-number/hour", "new-number/day", "account", "account/hour", "account/day", "network"].map(
    (name) => [`sms/${name}`, many],
  ),
);

async function start() {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const outbox = developmentOutbox({ clock: systemClock });
  const storer = memoryStorer();
  let isAway = false;
  const sender: SmsSender = {
    async send(message) {
      if (isAway) throw new Error("the provider is away");
      await outbox.sms.send(message);
    },
  };
  const gate = castellan({
    development: true,
    rootUrl: url,
    applicationName: "Example",
    keys: ["a-key-of-the-tests-9876543210-zyxwvutsrqponm"],
    sessions: expressSessions({ secret: "a-secret-of-the-tests-0123456789-abcdefghijkl" }),
    logger: { info() {}, warn() {}, error() {} },
    storer,
    limits,
    sms: sender,
    sweepEvery: null,
    modules: { auth: auth(), twofactor: twofactor(), sms: sms({ countries: ["CH"], numberFor: () => "079 123 45 67" }) },
  });
  const app = express();
  app.use(gate.clientState());
  app.use("/auth", gate.router);
  app.get("/", (_req, res) => void res.type("html").send('<!doctype html><html lang="en"><title>Start</title><h1>Start</h1>'));
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(port, "localhost", resolve));
  const account = { pid: "ann", login: EMAIL, email: EMAIL, profile: {}, createdAt: systemClock.now() };
  await storer.createUser({ ...account, passwordHash: null });
  await gate.updatePassword("ann", PASSWORD);
  return {
    url,
    /** The code of the last message. */
    code: (): string => outbox.sms.list().at(-1)?.message.text.slice(0, 6) ?? "",
    setAway(away: boolean): void {
      isAway = away;
    },
    async end(): Promise<void> {
      await gate.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.skipIf(withoutChromium)("codes by text message in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  /** The page as it stands, at each width. */
  async function look(page: Page, heading: string): Promise<void> {
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(heading);
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 740 });
      expect(await scrollsSideways(page), `sideways at ${width}`).toBe(false);
      expect(await lowTargets(page), `low targets at ${width}`).toEqual([]);
    }
    expect(await violations(page)).toEqual([]);
  }

  const press = (page: Page, name: string): Promise<unknown> => follow(page.getByRole("button", { name, exact: true }));

  it.each(["light", "dark"] as const)("are set up, given and removed; every page is accessible in the %s theme", async (colorScheme) => {
    const app = await start();
    const context = await browser.newContext({ baseURL: app.url, colorScheme });
    const page = await context.newPage();
    const complaints = watch(page);
    try {
      await page.goto("/auth/login");
      await fill(page, { email: EMAIL, password: PASSWORD });
      await page.goto("/auth/2fa/sms/setup");
      expect(await page.getByLabel("Mobile number").inputValue()).toBe("079 123 45 67");
      await look(page, "Set up codes by text message");
      await page.getByLabel("Mobile number").fill("044 668 18 00");
      await press(page, "Send me a code");
      await look(page, "Set up codes by text message");
      app.setAway(true);
      await page.getByLabel("Mobile number").fill("079 123 45 67");
      await press(page, "Send me a code");
      await look(page, "Set up codes by text message");
      app.setAway(false);
      await press(page, "Send me a code");
      await look(page, "Confirm your number");
      await page.getByLabel("Code from the text message").fill("12");
      await press(page, "Turn on");
      await look(page, "Confirm your number");
      await press(page, "Send a new code");
      await page.getByLabel("Code from the text message").fill(app.code());
      await press(page, "Turn on");
      await look(page, "Your second factor is on");
      await page.goto("/auth/2fa/sms/confirm");

      await context.clearCookies();
      app.setAway(true);
      await page.goto("/auth/login");
      await fill(page, { email: EMAIL, password: PASSWORD });
      await look(page, "Code by text message");
      await press(page, "Send a new code");
      await look(page, "Code by text message");
      app.setAway(false);
      await press(page, "Send a new code");
      await look(page, "Code by text message");
      await page.getByLabel("Code from the text message").fill(app.code());
      await press(page, "Go on");
      expect(new URL(page.url()).pathname).toBe("/");
      await page.goto("/auth/2fa");
      await look(page, "Second factors");
      await page.goto("/auth/2fa/sms/validate");
      await look(page, "Code by text message");
      await page.goto("/auth/2fa/sms/remove");
      await look(page, "Remove codes by text message");
      await press(page, "Remove");
      await look(page, "Second factors");
      expect(complaints).toEqual([]);
    } finally {
      await context.close();
      await app.end();
    }
  });
});
