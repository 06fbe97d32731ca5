/** The full example as a person uses it: Chromium, with JavaScript and without. @module */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launchChromium, watch, withoutChromium } from "./support/chromium.ts";
import { type Example, removeDataDirectory, startExample } from "./support/example.ts";
import { fill, follow, networks, PASSWORD, register, signIn, textOf } from "./support/visitor.ts";

describe.skipIf(withoutChromium).each([true, false])("the example in Chromium, with JavaScript %s", (javaScriptEnabled) => {
  let example: Example;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: readonly string[];
  let email: string;
  const network = networks();

  const visitor = (): Promise<BrowserContext> =>
    browser.newContext({ baseURL: example.url, javaScriptEnabled, extraHTTPHeaders: { "x-forwarded-for": network() } });
  const heading = (on: Page = page): Promise<string> => textOf(on.locator("h1"));
  const notice = (on: Page = page): Promise<string> => textOf(on.locator(".notice"));
  const pathOf = (on: Page = page): string => new URL(on.url()).pathname;

  beforeAll(async () => {
    [example, browser] = await Promise.all([startExample(), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await example?.end();
    await removeDataDirectory(example?.dataDirectory);
  });
  beforeEach(async (test) => {
    context = await visitor();
    page = await context.newPage();
    complaints = watch(page);
    email = `${test.task.id.replaceAll(/[^a-z0-9]/gi, "")}@example.com`;
    return async () => {
      expect(complaints).toEqual([]);
      await context.close();
    };
  });

  it("lets a person register, leave, and come in again", async () => {
    await page.goto("/");
    await follow(page.getByRole("link", { name: "Create an account" }));
    await fill(page, { email, name: "Ann Example", password: PASSWORD, confirm_password: PASSWORD });
    expect([pathOf(), await notice()]).toEqual(["/account", "Your account is ready, and you are signed in."]);
    expect(await textOf(page.locator("main"))).toContain("Ann Example");

    await follow(page.getByRole("button", { name: "Sign out" }));
    expect([pathOf(), await heading(), await notice()]).toEqual(["/", "Who goes there?", "You are signed out."]);

    await follow(page.getByRole("link", { name: "Sign in" }));
    await fill(page, { email, password: PASSWORD });
    expect([pathOf(), await heading()]).toEqual(["/account", "Your account"]);
    expect(await textOf(page.locator("main"))).toContain(email);
  });

  it("turns away at a private page, and leads back to it after the sign-in", async () => {
    await register(page, email);
    await context.clearCookies();
    await page.goto("/full");
    expect([pathOf(), await notice()]).toEqual(["/auth/login", "Please sign in to see this page."]);
    await fill(page, { email, password: "not the password" });
    await fill(page, { email, password: PASSWORD });
    expect([pathOf(), await heading()]).toEqual(["/full", "For full sign-ins only"]);
  });

  it("leads a newcomer back too, by way of the registration", async () => {
    await page.goto("/full");
    await follow(page.getByRole("link", { name: "Create an account" }));
    await fill(page, { email, name: "Ann", password: PASSWORD, confirm_password: PASSWORD });
    expect(pathOf()).toBe("/full");
  });

  it("says that a password is wrong, keeps the address and forgets the password", async () => {
    await register(page, email);
    await context.clearCookies();
    await signIn(page, email, "not the password");
    expect(await notice()).toBe("These details are not right. Check them and try again.");
    expect(await page.getByLabel("E-mail address").inputValue()).toBe(email);
    expect(await page.getByLabel("Password").inputValue()).toBe("");
  });

  it("lists what is wrong with a registration, each beside its field, and leads there", async () => {
    await page.goto("/auth/register");
    await fill(page, { email: "ann", name: " ", password: "short", confirm_password: "other" });
    expect(await page.locator(".problems a").allInnerTexts()).toEqual([
      "E-mail address: Enter an e-mail address such as name@example.com.",
      "Your name: Please fill this in.",
      "Password: Use at least 15 characters. A few words that you will remember are better than one with odd signs.",
      "Password again: The two passwords are not the same.",
    ]);
    expect(await page.getByLabel("E-mail address").inputValue()).toBe("ann");
    const focused = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.id);
    expect(await focused()).toBe("field-email");
    await page.getByRole("link", { name: /^Your name/ }).click();
    expect(await focused()).toBe("field-name");
    const described = await page.getByLabel("Your name").getAttribute("aria-describedby");
    expect(await textOf(page.locator(`#${described}`))).toBe("Please fill this in.");
  });

  it("says the rule of a field of its own in its own words", async () => {
    await page.goto("/auth/register");
    await fill(page, { email, name: "A", password: PASSWORD, confirm_password: PASSWORD });
    expect(await page.locator(".problems a").allInnerTexts()).toEqual(["Your name: Please use at least two letters."]);
  });

  it("says that a login is taken", async () => {
    await register(page, email);
    await context.clearCookies();
    await register(page, email);
    expect(await page.locator(".problems a").allInnerTexts()).toEqual([
      "E-mail address: There is an account with this name or address already.",
    ]);
  });

  it("refuses a form whose token is not of this session, with a page that leads on", async () => {
    await page.goto("/auth/login");
    await context.clearCookies();
    await fill(page, { email, password: PASSWORD });
    expect(await notice()).toBe("This page was open for too long, or in another session. Go back, reload it and try again.");
    await follow(page.getByRole("link", { name: "Back to the start page" }));
    expect(pathOf()).toBe("/");
  });

  it("refuses a forged form of its own pages as well", async () => {
    await register(page, email);
    await page.locator("form[action='/account/test-mail'] [name=_csrf]").evaluate((input) => input.setAttribute("value", "forged"));
    await follow(page.getByRole("button", { name: "Send me a test mail" }));
    expect(await notice()).toContain("This page was open for too long");
  });

  it("asks to wait after ten wrong passwords, with the right one too", async () => {
    await register(page, email);
    await context.clearCookies();
    await page.goto("/auth/login");
    for (let tries = 0; tries < 10; tries += 1) await fill(page, { email, password: "not the password" });
    const answer = page.waitForResponse((response) => response.request().method() === "POST");
    await fill(page, { email, password: PASSWORD });
    const { status, retryAfter } = await answer.then((response) => ({
      status: response.status(),
      retryAfter: response.headers()["retry-after"],
    }));
    expect([status, await notice()]).toEqual([429, "Too many tries. Wait a while before you try again."]);
    expect(Number(retryAfter)).toBeGreaterThan(0);
  });

  it("shows nothing private when a person goes back after signing out", async () => {
    await register(page, email);
    await page.goto("/full");
    await follow(page.getByRole("button", { name: "Sign out" }));
    expect(pathOf()).toBe("/");
    await page.goBack();
    expect([pathOf(), await heading()]).toEqual(["/auth/login", "Sign in"]);
    await page.goBack();
    expect(await page.content()).not.toContain(email);
  });

  it("ends one sign-in elsewhere, or all of them", async () => {
    await register(page, email);
    const elsewhere = await Promise.all([1, 2].map(async () => (await visitor()).newPage()));
    for (const other of elsewhere) await signIn(other, email);
    const reached = (): Promise<string[]> =>
      Promise.all(
        elsewhere.map(async (other) => {
          await other.goto("/account");
          return pathOf(other);
        }),
      );

    await page.goto("/account");
    expect(await page.locator(".rows li").count()).toBe(3);
    await follow(page.getByRole("button", { name: /^End/ }).first());
    expect([await notice(), await page.locator(".rows li").count()]).toEqual(["That sign-in is ended.", 2]);
    expect((await reached()).toSorted()).toEqual(["/account", "/auth/login"]);

    await follow(page.getByRole("button", { name: "Sign out everywhere else" }));
    expect([await notice(), await page.locator(".rows li").count()]).toEqual(["You are signed out everywhere else.", 1]);
    expect(await reached()).toEqual(["/auth/login", "/auth/login"]);
    for (const other of elsewhere) await other.context().close();
  });

  it("shows a mail in the outbox as it looks, and says a message once", async () => {
    await register(page, email, { name: "Ann <b>Example" });
    await follow(page.getByRole("button", { name: "Send me a test mail" }));
    expect(await notice()).toBe(`A mail is on its way to ${email}.`);
    await page.reload();
    expect(await page.locator(".notice").count()).toBe(0);

    await follow(page.getByRole("link", { name: "Outbox" }).last());
    const mail = page.getByRole("article", { name: "A test mail" }).first();
    expect(await textOf(mail)).toContain(`Ann <b>Example <${email}>`);
    expect(await textOf(mail.locator("pre"))).toContain("Hello Ann <b>Example");
    const markup = mail.frameLocator("iframe");
    expect(await textOf(markup.locator("h1"))).toBe("Hello Ann <b>Example");
    const opened = context.waitForEvent("page");
    await markup.getByRole("link", { name: "Your account" }).click();
    const account = await opened;
    await account.waitForLoadState();
    expect(pathOf(account)).toBe("/account");
  });

  it("can be used by keyboard alone", async () => {
    await register(page, email);
    await context.clearCookies();
    await page.goto("/account");
    const press = async (keys: string): Promise<void> => {
      for (const key of keys.split(" ")) await page.keyboard.press(key);
    };
    await press("Tab Tab");
    await page.keyboard.type(email);
    await press("Tab");
    await page.keyboard.type(PASSWORD);
    await press("Enter");
    await page.waitForURL("/account");
    await page.locator("body").press("Shift+Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Sign out");
    await press("Enter");
    await page.waitForURL("/");
  });
});
