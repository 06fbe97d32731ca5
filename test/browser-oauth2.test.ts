/** Signing in with others in the full example: Chromium, with JavaScript and without, against the OpenID provider that runs beside the example. @module */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, lowTargets, scrollsSideways, violations, watch, withoutChromium } from "./support/chromium.ts";
import { type Example, freePort, removeDataDirectory, startExample } from "./support/example.ts";
import { fill, follow, networks, PASSWORD, register, textOf } from "./support/visitor.ts";

const DEMO = "Demo provider";

describe.skipIf(withoutChromium).each([true, false])("signing in with others in Chromium, with JavaScript %s", (javaScriptEnabled) => {
  const network = networks();
  let example: Example;
  let browser: Browser;
  let issuer: string;

  const visitor = async (): Promise<{ context: BrowserContext; page: Page; complaints: readonly string[] }> => {
    const context = await browser.newContext({
      baseURL: example.url,
      javaScriptEnabled,
      extraHTTPHeaders: { "x-forwarded-for": network() },
    });
    const page = await context.newPage();
    return { context, page, complaints: watch(page) };
  };
  const notice = (page: Page): Promise<string> => textOf(page.locator(".notice"));
  const pathOf = (page: Page): string => new URL(page.url()).pathname;
  const main = (page: Page): Promise<string> => textOf(page.locator("main"));
  const isWellMade = async (page: Page): Promise<void> => {
    expect(await lowTargets(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await scrollsSideways(page)).toBe(false);
    await page.setViewportSize({ width: 1280, height: 800 });
    if (javaScriptEnabled) expect(await violations(page)).toEqual([]);
  };
  /** Presses a button that leads to the provider, and waits until its page is there. */
  const goThere = async (page: Page, button: string): Promise<void> => {
    await page.getByRole("button", { name: button }).click();
    await page.waitForURL(`${issuer}/**`);
  };
  /** Chooses somebody there, and waits until the example shows a page again. */
  const choose = async (page: Page, person: string): Promise<void> => {
    await page.getByRole("button", { name: person }).click();
    await page.waitForURL(`${example.url}/**`);
  };
  const come = async (page: Page, person: string, from = "/auth/login"): Promise<void> => {
    await page.goto(from);
    await goThere(page, `Continue with ${DEMO}`);
    await choose(page, person);
  };
  const linkTo = async (address: string, subject = "Go on with your sign-in"): Promise<string> => {
    let link: string | undefined;
    await expect
      .poll(async () => {
        const reply = await fetch(`${example.url}/dev/outbox`, { headers: { accept: "application/json" } });
        const { messages } = (await reply.json()) as {
          messages: { message: { subject: string; text: string; to: { address: string } } }[];
        };
        const mail = messages.find(({ message }) => message.subject === subject && message.to.address === address);
        link = /http:\S+/.exec(mail?.message.text ?? "")?.[0];
        return link;
      })
      .toBeDefined();
    return String(link);
  };

  beforeAll(async () => {
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}`;
    [example, browser] = await Promise.all([startExample({ DEMO_PROVIDER_PORT: String(port) }), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await example?.end();
    await removeDataDirectory(example?.dataDirectory);
  });

  it("makes an account of somebody whose address the provider has checked, and knows them again", async () => {
    const { page, context, complaints } = await visitor();
    await page.goto("/auth/login?redir=%2Fconfirmed");
    await isWellMade(page);
    await goThere(page, `Continue with ${DEMO}`);
    await choose(page, "Ann Demo");
    expect([pathOf(page), page.url().includes("code=")]).toEqual(["/confirmed", false]);
    await page.goto("/account");
    expect(await main(page)).toContain("Ann Demo");
    expect(await main(page)).toContain("choose one by mail");
    await follow(page.getByRole("button", { name: "Sign out" }));
    await page.goto("/account");
    expect(pathOf(page)).toBe("/auth/login");
    // The provider still knows who they are, and asks nothing.
    await page.getByRole("button", { name: `Continue with ${DEMO}` }).click();
    await page.waitForURL(`${example.url}/account`);
    expect(await main(page)).toContain("ann.demo@example.com");
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("leaves things as they were when somebody would rather not", async () => {
    const { page, context, complaints } = await visitor();
    await come(page, "I would rather not");
    expect([pathOf(page), await notice(page)]).toEqual([
      "/auth/login",
      "You did not agree, so nothing has changed. Try again, or sign in another way.",
    ]);
    await page.goto("/account");
    expect(pathOf(page)).toBe("/auth/login");
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("has the mailbox proved that the provider has not checked, by a link in this browser and no other", async () => {
    const { page, context, complaints } = await visitor();
    await come(page, "Bob Demo");
    expect([pathOf(page), await notice(page)]).toEqual([
      "/auth/oauth2/connect",
      "A mail with a link is on its way. Open it in this browser.",
    ]);
    await isWellMade(page);
    const link = await linkTo("bob.demo@example.com");
    const other = await visitor();
    await other.page.goto(link);
    await follow(other.page.getByRole("button", { name: "Go on" }));
    expect(await notice(other.page)).toContain("does not work any more");
    await other.context.close();
    await page.goto(link);
    expect(page.url()).toBe(`${example.url}/auth/oauth2/connect/end`);
    await isWellMade(page);
    await follow(page.getByRole("button", { name: "Go on" }));
    expect([pathOf(page), await notice(page)]).toEqual(["/account", "Your account is ready, and you are signed in."]);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("asks somebody for an address whose provider tells none", async () => {
    const { page, context } = await visitor();
    await come(page, "Somebody");
    expect(pathOf(page)).toBe("/auth/oauth2/finish");
    await isWellMade(page);
    await fill(page, { email: "somebody@example.com" });
    expect(pathOf(page)).toBe("/auth/oauth2/connect");
    await page.goto(await linkTo("somebody@example.com"));
    await follow(page.getByRole("button", { name: "Go on" }));
    expect(pathOf(page)).toBe("/account");
    await context.close();
  });

  it("leads somebody whose address has an account to its password, and connects the two", async () => {
    const { page, context, complaints } = await visitor();
    await register(page, "eve.demo@example.com");
    await page.goto(await linkTo("eve.demo@example.com", "Confirm your address"));
    await follow(page.getByRole("button", { name: "Confirm" }));
    await follow(page.getByRole("button", { name: "Sign out" }));
    await come(page, "Eve Demo", "/auth/register");
    expect(pathOf(page)).toBe("/auth/oauth2/connect");
    expect(await notice(page)).toContain("There is an account with this address already.");
    await page.goto("/account");
    expect(pathOf(page)).toBe("/auth/login");
    await page.goto("/auth/oauth2/connect");
    await fill(page, { password: "a wrong password, guessed" });
    expect(await notice(page)).toContain("not right");
    await fill(page, { password: PASSWORD });
    expect([pathOf(page), await notice(page)]).toEqual(["/account", "The account is connected. You can sign in with it from now on."]);

    await page.goto("/auth/oauth2");
    await isWellMade(page);
    await follow(page.getByRole("button", { name: `Disconnect ${DEMO}` }));
    expect(await notice(page)).toBe("The account is disconnected. You are signed out everywhere else.");
    // The provider still knows who they are, and asks nothing.
    await page.getByRole("button", { name: `Connect ${DEMO}` }).click();
    await page.getByText("The account is connected.").waitFor();
    expect(pathOf(page)).toBe("/auth/oauth2");
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("keeps the last way in, and connects nothing before the address is confirmed", async () => {
    const { page, context, complaints } = await visitor();
    await come(page, "Ann Demo");
    await page.goto("/auth/oauth2");
    expect(await main(page)).toContain("your only way to sign in");
    await follow(page.getByRole("button", { name: "Sign out" }));
    await register(page, "else@example.com");
    await page.goto("/auth/oauth2");
    await follow(page.getByRole("button", { name: `Connect ${DEMO}` }));
    expect(await notice(page)).toBe("Please confirm your address before you connect an account.");
    expect(complaints).toEqual([]);
    await context.close();
  });
});
