/** What people do in a browser. @module */
import type { Locator, Page } from "playwright-core";

export const PASSWORD = "correct horse battery staple";

/** Addresses for X-Forwarded-For, one after the other, so that no visitor uses up the limits of another. */
export function networks(): () => string {
  let last = 0;
  return () => {
    last += 1;
    return `198.51.${100 + (last >> 8)}.${last & 255}`;
  };
}

/** What is seen of an element: hidden parts are not. */
// biome-ignore lint/performance/useDomNodeTextContent: `textContent` has what nobody sees
export const textOf = (locator: Locator): Promise<string> => locator.innerText();

/** Clicks what leads to another page, and waits until that is there. */
export async function follow(link: Locator): Promise<void> {
  const loaded = link.page().waitForEvent("load");
  await link.click();
  await loaded;
}

/** Fills in the page's form by the names of its fields, and sends it. */
export async function fill(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(values)) await page.locator(`main [name="${name}"]`).fill(value);
  await follow(page.locator("main form.form button"));
}

export async function register(page: Page, email: string, { name = "Ann Example" } = {}): Promise<void> {
  await page.goto("/auth/register");
  await fill(page, { email, name, password: PASSWORD, confirm_password: PASSWORD });
}

export async function signIn(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.goto("/auth/login");
  await fill(page, { email, password });
}
