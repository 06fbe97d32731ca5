/** The default pages in a real browser. @module */
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pages } from "../dist/pages/index.js";
import { samples } from "./sample-pages.ts";

const CHROMIUM = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const LEAST_TARGET = 44;

const isMissing = !existsSync(CHROMIUM);
const mayBeMissing = process.env["CI"] !== "true";
const missingMessage = `No Chromium at ${CHROMIUM}: the default pages are NOT tested in a browser. Install it, or set CHROMIUM_PATH.`;
if (isMissing && mayBeMissing) console.warn(`\n*** ${missingMessage} ***\n`);

const renderer = pages({ applicationName: "Example Cellar" });

function serve(): Promise<Server> {
  const server = createServer(async (request, response) => {
    const path = request.url?.slice(1) ?? "";
    response.setHeader("content-security-policy", CONTENT_SECURITY_POLICY);
    const asset = path.startsWith("auth/") && renderer.assets?.[path.slice("auth".length)];
    if (asset) return response.setHeader("content-type", asset.type).end(asset.body);
    const sample = samples[path];
    if (!sample) return response.writeHead(404).end();
    return response.setHeader("content-type", "text/html; charset=utf-8").end(await renderer.render(sample.view, {}, sample.tools));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** What is too low to hit. A box to tick counts with its label; a link within a sentence is excepted, as in WCAG 2.5.5. */
const lowTargets = (page: Page, least: number): Promise<string[]> =>
  page.evaluate((height) => {
    const isWithinText = (element: Element): boolean =>
      element.matches("a") &&
      Array.from(element.parentNode?.childNodes ?? []).some((node) => node.nodeType === 3 && node.nodeValue?.trim());
    return Array.from(document.querySelectorAll("a[href], button, input:not([type='hidden'])"))
      .filter((element) => !isWithinText(element))
      .map((element) => (element.matches("[type='checkbox']") ? (element.closest("label") ?? element) : element))
      .filter((target) => target.getBoundingClientRect().height < height)
      .map((target) => target.outerHTML);
  }, least);

/** What axe finds. It needs timers, and so JavaScript; the pages are the same without. */
async function violations(page: Page): Promise<string[]> {
  const found = await new AxeBuilder({ page }).withTags(AXE_TAGS).analyze();
  if (!found.passes.some(({ id }) => id === "color-contrast")) return ["axe measured no contrast"];
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

describe.skipIf(isMissing && mayBeMissing)("the default pages in Chromium", () => {
  let server: Server;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    if (isMissing) throw new Error(missingMessage);
    server = await serve();
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("The server has no port.");
    origin = `http://127.0.0.1:${address.port}`;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  describe.each([
    { colorScheme: "light", javaScriptEnabled: true },
    { colorScheme: "light", javaScriptEnabled: false },
    { colorScheme: "dark", javaScriptEnabled: true },
    { colorScheme: "dark", javaScriptEnabled: false },
  ] as const)("$colorScheme, with JavaScript $javaScriptEnabled", (settings) => {
    let context: BrowserContext;

    beforeAll(async () => {
      context = await browser.newContext({ ...settings, viewport: { width: 360, height: 740 } });
    });
    afterAll(() => context?.close());

    it.each(Object.keys(samples))("%s: accessible, quiet, within its width, easy to hit", async (name) => {
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("requestfailed", (request) => complaints.push(request.url()));
      await page.goto(`${origin}/${name}`);

      for (const width of [1280, 360, 320]) {
        await page.setViewportSize({ width, height: 740 });
        expect(await scrollsSideways(page), `sideways at ${width}`).toBe(false);
        expect(await lowTargets(page, LEAST_TARGET), `low targets at ${width}`).toEqual([]);
      }
      if (settings.javaScriptEnabled) expect(await violations(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await page.close();
    });

    it("has the focus on the first invalid field, and follows the summary's links to the others", async () => {
      const page = await context.newPage();
      const focused = (): Promise<string | undefined> => page.evaluate(() => document.activeElement?.id);
      await page.goto(`${origin}/problems`);
      expect(await focused()).toBe("field-login");
      await page.getByRole("link", { name: "Password: Please fill this in." }).click();
      expect(await focused()).toBe("field-password");
      await page.close();
    });
  });

  it("show where the focus is", async () => {
    const page = await browser.newPage();
    await page.goto(`${origin}/login`);
    for (const element of ["A", "INPUT", "INPUT", "INPUT", "BUTTON", "A"]) {
      await page.keyboard.press("Tab");
      const [name, outline] = await page.evaluate(() => {
        const active = document.activeElement ?? document.body;
        const { outlineStyle, outlineWidth } = getComputedStyle(active);
        return [active.tagName, `${outlineWidth} ${outlineStyle}`];
      });
      expect([name, outline]).toEqual([element, "3px solid"]);
    }
    await page.close();
  });

  it("keep still for those who want it", async () => {
    const page = await browser.newPage({ reducedMotion: "reduce" });
    await page.goto(`${origin}/login`);
    expect(await page.evaluate(() => getComputedStyle(document.querySelector("button") ?? document.body).transitionDuration)).toBe("0s");
    await page.close();
  });

  it("show marks and borders in forced colours", async () => {
    const page = await browser.newPage({ forcedColors: "active" });
    await page.goto(`${origin}/problems`);
    const border = (selector: string): Promise<string> =>
      page.evaluate((wanted) => getComputedStyle(document.querySelector(wanted) ?? document.body).borderTopStyle, selector);
    expect(await Promise.all([".problems", "button", "main", "input[aria-invalid]"].map(border))).toEqual([
      "solid",
      "solid",
      "solid",
      "solid",
    ]);
    expect(await page.evaluate(() => getComputedStyle(document.querySelector(".problem") ?? document.body, "::before").content)).toBe(
      '"!"',
    );
    await page.close();
  });
});
