/** Chromium for tests: found or loudly missed, watched for complaints, measured by axe. @module */
import { existsSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";

const PATH = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
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

const isMissing = !existsSync(PATH);
const mayBeMissing = process.env["CI"] !== "true";
const MISSING = `No Chromium at ${PATH}: the example is NOT tested in a browser. Install it, or set CHROMIUM_PATH.`;

/** For `describe.skipIf`: tests that need Chromium are skipped where there is none, aloud, and fail under CI=true. */
export const withoutChromium = isMissing && mayBeMissing;
if (withoutChromium) console.warn(`\n*** ${MISSING} ***\n`);

export function launchChromium(): Promise<Browser> {
  if (isMissing) throw new Error(MISSING);
  return chromium.launch({ executablePath: PATH, args: FLAGS });
}

/** That a page came with an error status is what the server was asked for. */
const isStatusOfPage = (text: string): boolean => text.startsWith("Failed to load resource: the server responded with a status of");

/** Collects what a person with open developer tools would see in red or yellow: errors, refused styles and scripts, missing files. */
export function watch(page: Page): readonly string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !isStatusOfPage(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    if (response.status() >= 400 && !response.request().isNavigationRequest()) complaints.push(`${response.url()}: ${response.status()}`);
  });
  return complaints;
}

export const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** What axe finds, and a word if it could not measure. Frames are left out: it needs scripts, which a sandbox does not run. */
export async function violations(page: Page): Promise<readonly string[]> {
  const found = await new AxeBuilder({ page }).withTags(AXE_TAGS).exclude("iframe").analyze();
  if (!found.passes.some(({ id }) => id === "color-contrast")) return ["axe measured no contrast"];
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** What is too low to hit. A box to tick counts with its label; a link within a sentence is excepted, as in WCAG 2.5.5. */
export const lowTargets = (page: Page, least = 44): Promise<readonly string[]> =>
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
