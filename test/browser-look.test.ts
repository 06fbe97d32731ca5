/** Every page of the full example as it looks: accessible, quiet and within its width, in both themes. @module */
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, lowTargets, scrollsSideways, violations, watch, withoutChromium } from "./support/chromium.ts";
import { type Example, freePort, removeDataDirectory, startExample } from "./support/example.ts";
import { fill, follow, networks, PASSWORD, register, signIn } from "./support/visitor.ts";

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

/** Ways to a page, and the status that it comes with. */
interface Way {
  readonly status: number;
  readonly go: (page: Page, email: string) => Promise<unknown>;
}

const open =
  (path: string) =>
  (page: Page): Promise<unknown> =>
    page.goto(path);

const strangers: Readonly<Record<string, Way>> = {
  "the start page": { status: 200, go: open("/") },
  "the sign-in page": { status: 200, go: open("/auth/login") },
  "the sign-in page of somebody turned away": { status: 200, go: open("/account") },
  "the sign-in page after a wrong password": { status: 401, go: (page, email) => signIn(page, email, "wrong") },
  "the sign-in page for one-time passwords": { status: 200, go: open("/auth/otp/login") },
  "the registration page": { status: 200, go: open("/auth/register") },
  "the registration page with problems": {
    status: 422,
    async go(page) {
      await page.goto("/auth/register");
      await fill(page, { email: "ann", name: "A", password: "short", confirm_password: "other" });
    },
  },
  "the question before a sign-out": { status: 200, go: open("/auth/logout") },
  "the outbox": { status: 200, go: open("/dev/outbox") },
  "a page that is not there": { status: 404, go: open("/nowhere") },
  "a page of the suite that is not there": { status: 404, go: open("/auth/nowhere") },
  "a form that is too old": {
    status: 403,
    async go(page, email) {
      await page.goto("/auth/login");
      await page.context().clearCookies();
      await fill(page, { email, password: PASSWORD });
    },
  },
  "a method that is not allowed": {
    status: 405,
    async go(page) {
      await page.route("/auth/login", (route) => route.continue({ method: "PUT" }));
      await page.goto("/auth/login");
    },
  },
};

const members: Readonly<Record<string, Way>> = {
  "the start page of a person": { status: 200, go: open("/") },
  "the account page": { status: 200, go: open("/account") },
  "the page for full sign-ins": { status: 200, go: open("/full") },
  "the security page": { status: 200, go: open("/security") },
  "the form of a transfer": { status: 200, go: open("/transfer") },
  "the second factors": { status: 200, go: open("/auth/2fa") },
  "the set-up of an app": { status: 200, go: open("/auth/2fa/totp/setup") },
  "the set-up of text messages": { status: 200, go: open("/auth/2fa/sms/setup") },
  "the one-time passwords": { status: 200, go: open("/auth/otp/add") },
  "the end of one-time passwords": { status: 200, go: open("/auth/otp/clear") },
  "the question who it is": { status: 200, go: open("/auth/reauthenticate") },
  "the sign-in page of somebody signed in": { status: 200, go: open("/auth/login") },
  "the account page with a message": {
    status: 200,
    async go(page) {
      await page.goto("/account");
      await follow(page.getByRole("button", { name: "Send me a test mail" }));
    },
  },
  "the outbox with a mail": { status: 200, go: open("/dev/outbox") },
};

describe.skipIf(withoutChromium)("every page of the example", () => {
  let example: Example;
  let browser: Browser;
  const network = networks();

  const visitor = (options: object = {}): Promise<BrowserContext> =>
    browser.newContext({ baseURL: example.url, extraHTTPHeaders: { "x-forwarded-for": network() }, ...options });

  /** Goes there and looks. */
  async function look(page: Page, { status, go }: Way, email: string): Promise<void> {
    const complaints = watch(page);
    const statuses: number[] = [];
    page.on("response", (response) => response.request().isNavigationRequest() && statuses.push(response.status()));
    await go(page, email);
    expect(statuses.at(-1)).toBe(status);
    for (const width of [1280, 360, 320]) {
      await page.setViewportSize({ width, height: 740 });
      expect(await scrollsSideways(page), `sideways at ${width}`).toBe(false);
      expect(await lowTargets(page), `low targets at ${width}`).toEqual([]);
    }
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  }

  beforeAll(async () => {
    [example, browser] = await Promise.all([startExample(), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await example?.end();
    await removeDataDirectory(example?.dataDirectory);
  });

  describe.each(["light", "dark"] as const)("in the %s theme", (colorScheme) => {
    const email = `${colorScheme}@example.com`;

    it.each(Object.entries(strangers))("%s", async (_, way) => {
      const context = await visitor({ colorScheme });
      await look(await context.newPage(), way, email);
      await context.close();
    });

    describe("for a person who is signed in twice", () => {
      let member: BrowserContext;

      beforeAll(async () => {
        member = await visitor({ colorScheme });
        const phone = await visitor({ userAgent: IPHONE });
        await register(await member.newPage(), email);
        await signIn(await phone.newPage(), email);
        await phone.close();
      });
      afterAll(() => member?.close());

      it.each(Object.entries(members))("%s", async (_, way) => look(await member.newPage(), way, email));
    });

    it("a sign-in that is tried too often", async () => {
      const context = await visitor({ colorScheme });
      const page = await context.newPage();
      const often = `often-${email}`;
      await signIn(page, often, "wrong");
      for (let tries = 1; tries < 10; tries += 1) await fill(page, { password: "wrong" });
      await look(page, { status: 429, go: () => fill(page, { password: "wrong" }) }, often);
      await context.close();
    });

    it("a sign-in while the database is busy", async () => {
      const context = await visitor({ colorScheme });
      const page = await context.newPage();
      await page.goto("/auth/login");
      const database = new DatabaseSync(join(example.dataDirectory, "app.db"));
      database.exec("BEGIN IMMEDIATE");
      try {
        await look(page, { status: 503, go: () => fill(page, { email, password: PASSWORD }) }, email);
      } finally {
        database.exec("ROLLBACK");
        database.close();
      }
      await context.close();
    });

    it("a mail while no mail server answers: it waits, and the person does not", async () => {
      const mailless = await startExample({ SMTP_URL: `smtp://127.0.0.1:${await freePort()}` });
      const context = await visitor({ colorScheme, baseURL: mailless.url });
      try {
        const page = await context.newPage();
        await register(page, email);
        await look(page, { status: 200, go: () => follow(page.getByRole("button", { name: "Send me a test mail" })) }, email);
      } finally {
        await context.close();
        await mailless.end();
        await removeDataDirectory(mailless.dataDirectory);
      }
    });
  });

  it("a mail itself", async () => {
    const context = await visitor();
    const page = await context.newPage();
    await register(page, "mail@example.com");
    await follow(page.getByRole("button", { name: "Send me a test mail" }));
    await page.goto("/dev/outbox");
    const frame = page.locator("iframe").first();
    expect(await frame.getAttribute("title")).toBe("HTML of the mail “A test mail”");
    const alone = await context.newPage();
    await alone.setContent((await frame.getAttribute("srcdoc")) ?? "");
    expect(await violations(alone)).toEqual([]);
    await context.close();
  });

  it("says to password managers what is a login, what a password, and which kind", async () => {
    const page = await browser.newPage({ baseURL: example.url });
    const marks = (): Promise<string[]> =>
      page
        .locator("main input:not([type=hidden])")
        .evaluateAll((inputs) => inputs.map((input) => ["type", "name", "autocomplete"].map((name) => input.getAttribute(name)).join(" ")));
    await page.goto("/auth/login");
    expect(await marks()).toEqual([
      "email email username",
      "password password current-password",
      "checkbox remember ",
      "checkbox remember ",
    ]);
    await page.goto("/auth/register");
    expect(await marks()).toEqual([
      "email email username",
      "text name name",
      "password password new-password",
      "password confirm_password new-password",
    ]);
    await page.close();
  });
});
