import { html, type PageTools, type Renderer, type View } from "@castellan/core";
import { describe, expect, it } from "vitest";
import { override, type PagesOptions, pages, standardLayout } from "../dist/pages/index.js";
import { loginView, profileView, toolsWith } from "./sample-pages.ts";

const EVIL = `</title><script>alert("1")</script>'`;

async function shown(options: PagesOptions = {}, tools: Partial<PageTools> = {}, view: View<object> = loginView): Promise<string> {
  return pages(options).render(view, {}, toolsWith(tools));
}

describe("a page", () => {
  it("is a whole document in the reader's language", async () => {
    const page = await shown({ applicationName: "Cellar" }, { locale: "de-AT" });
    expect(page).toMatch(/^<!doctype html>\n<html lang="de-AT">/);
    expect(page).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
    expect(page).toContain("<title>Sign in – Cellar</title>");
    expect(page).toContain('<link rel="stylesheet" href="/auth/castellan.css">');
    expect(page).toContain('<link rel="icon" href="data:,">');
    expect(page.match(/<h1>Sign in<\/h1>/g)).toHaveLength(1);
  });

  it("links home by the application's name, or by a word for it", async () => {
    expect(await shown({ applicationName: "Cellar" }, { home: "/start" })).toContain(
      '<header class="header"><a href="/start">Cellar</a></header>',
    );
    const nameless = await shown();
    expect(nameless).toContain('<a href="/">Home</a>');
    expect(nameless).toContain("<title>Sign in</title>");
  });

  it("has no script and no inline style", async () => {
    const page = await shown({}, { signedIn: true, problems: [{ field: "login", reason: "required" }], reason: "expired" });
    expect(page).not.toMatch(/<script|<style| style=| on\w+=|javascript:/i);
  });

  it("escapes the application's name, the locale, flash and reasons", async () => {
    const asReason = await shown({ applicationName: EVIL }, { locale: EVIL, reason: EVIL, home: EVIL });
    expect(asReason).not.toContain("<script");
    expect(asReason).toContain("reason.&lt;/title&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;</p>");
    expect(await shown({}, { flash: { kind: "failure", reason: "x", text: EVIL } })).not.toContain("<script");
    expect(await shown({}, { signedIn: true, csrfToken: EVIL, url: () => EVIL })).not.toContain("<script");
  });
});

describe("the notice", () => {
  it("is a status for success and an alert for failure", async () => {
    expect(await shown({}, { flash: { kind: "success", reason: "saved", text: "Saved." } })).toContain(
      '<p class="notice success" role="status">Saved.</p>',
    );
    expect(await shown({}, { flash: { kind: "failure", reason: "gone", text: "Gone." } })).toContain(
      '<p class="notice failure" role="alert">Gone.</p>',
    );
  });

  it("says why the page is shown", async () => {
    expect(await shown({}, { reason: "expired", failed: true })).toContain(
      '<p class="notice failure" role="alert">This page was open for too long. Please try again.</p>',
    );
    expect(await shown({}, { reason: "expired" })).toContain('<p class="notice success" role="status">');
  });

  it("is the flash alone where there are both", async () => {
    const page = await shown({}, { reason: "expired", flash: { kind: "success", reason: "saved", text: "Saved." } });
    expect(page.match(/class="notice/g)).toHaveLength(1);
    expect(page).toContain("Saved.");
  });

  it("does not repeat what the list of problems says", async () => {
    const page = await shown({}, { reason: "expired", problems: [{ field: "password", reason: "required" }] });
    expect(page).not.toContain('class="notice');
    expect(page).toContain('class="problems"');
  });

  it("is absent otherwise", async () => {
    expect(await shown()).not.toContain("notice");
  });
});

describe("navigation", () => {
  it("offers a visitor what is loaded, and not the page's own module", async () => {
    const onLogin = await shown();
    expect(onLogin).toContain('<li><a href="/auth/register">Create an account</a></li>');
    expect(onLogin).not.toContain('<a href="/auth/login">');
    const elsewhere = await shown({}, {}, profileView);
    expect(elsewhere).toContain('<li><a href="/auth/login">Sign in</a></li>');
    expect(elsewhere).not.toContain("/auth/logout");
  });

  it("is absent where nothing is loaded", async () => {
    expect(await shown({}, { modules: {} })).not.toMatch(/<nav|<footer/);
    expect(await shown({}, { modules: {}, signedIn: true })).not.toMatch(/<nav|<footer/);
  });

  it("gives somebody signed in the way out, as a form with the CSRF token", async () => {
    const page = await shown({}, { signedIn: true });
    expect(page).toContain('<form method="post" action="/auth/logout">\n<input type="hidden" name="_csrf" value="token-of-this-page">');
    expect(page).toContain("Sign out</button>");
    expect(page).not.toContain("/auth/register");
  });
});

describe("overriding", () => {
  it("replaces the body of one page and leaves the others", async () => {
    const overrides = { "auth/login": () => html`<p>Our own</p>` };
    const page = await shown({ overrides });
    expect(page).toContain("<p>Our own</p>");
    expect(page).toContain("<h1>Sign in</h1>");
    expect(page).not.toContain("field-login");
    expect(await shown({ overrides }, {}, profileView)).toContain("field-name");
  });

  it("hands the view's data and tools to the new body", async () => {
    const renderer = pages({ overrides: override(loginView, ({ lead }, tools) => html`<p>${lead} ${tools.t("login.submit")}</p>`) });
    expect(await renderer.render(loginView, { lead: "A & B" }, toolsWith())).toContain("<p>A &amp; B Sign in</p>");
  });

  it("keeps what an override was given by a visitor as text", async () => {
    const renderer: Renderer = pages({ overrides: override(loginView, ({ lead }) => html`<textarea>${lead}</textarea>`) });
    expect(await renderer.render(loginView, { lead: "</textarea><script>" }, toolsWith())).toContain(
      "<textarea>&lt;/textarea&gt;&lt;script&gt;</textarea>",
    );
  });

  it("replaces the layout around all pages", async () => {
    const layout: PagesOptions["layout"] = ({ body, head, title, view }) =>
      html`<!doctype html><html lang="en"><head>${head}</head><body id="${view}"><h1>${title}</h1>${body}</body></html>`;
    const page = await shown({ layout, applicationName: "Cellar" });
    expect(page).toMatch(/^<!doctype html><html lang="en"><head><meta charset="utf-8">/);
    expect(page).toContain("<title>Sign in – Cellar</title>");
    expect(page).toContain('<body id="auth/login"><h1>Sign in</h1>');
    expect(page).not.toContain('class="card"');
  });

  it("lets a layout wrap the standard one", async () => {
    const page = await shown({ layout: (parts) => standardLayout({ ...parts, body: html`${parts.body}<p>Imprint</p>` }) });
    expect(page).toMatch(/field-login[\s\S]*<p>Imprint<\/p>\s*<\/main>/);
  });
});

describe("the style sheet", () => {
  it("is an asset below the mount, with nothing from elsewhere", () => {
    const sheet = pages().assets?.["/castellan.css"];
    expect(sheet?.type).toBe("text/css");
    expect(sheet?.body).toContain("--castellan-accent");
    expect(sheet?.body).not.toMatch(/@import|url\(/);
  });

  it("ends with the application's own styles, which therefore win", () => {
    const own = ":root { --castellan-accent: #0a6847; }";
    expect(pages({ styleSheet: own }).assets?.["/castellan.css"]?.body.trimEnd().endsWith(own)).toBe(true);
    expect(pages().assets?.["/castellan.css"]?.body).not.toContain(own);
  });
});

type Tokens = ReadonlyMap<string, string>;

const colours = (css: string): Tokens =>
  new Map(Array.from(css.matchAll(/--castellan-([\w-]+): (#[0-9a-f]{6});/g), ([, name = "", value = ""]) => [name, value]));

/** Relative luminance as WCAG 2.2 defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const channel = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(tokens: Tokens, one: string, other: string): number {
  const [low = 0, high = 0] = [one, other].map((name) => luminance(tokens.get(name) ?? "")).sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe.each(["light", "dark"])("the colours of the %s theme", (theme) => {
  const sheet = pages().assets?.["/castellan.css"]?.body ?? "";
  const [light = "", dark = ""] = sheet.split("@media (prefers-color-scheme: dark)");
  const tokens = colours(theme === "light" ? light : dark);

  it("are all defined, so that no theme borrows one from the other", () => {
    expect([...tokens.keys()].sort()).toEqual([...colours(light).keys()].sort());
    expect(tokens.size).toBeGreaterThan(10);
  });

  it.each([
    ["text", ["background", "surface", "field", "problem-surface", "success-surface"]],
    ["muted", ["background", "surface", "field"]], // hints, placeholders, disabled buttons
    ["accent", ["background", "surface"]], // links, focus
    ["accent-strong", ["background", "surface"]],
    ["on-accent", ["accent", "accent-strong"]],
    ["problem", ["surface", "problem-surface"]],
    ["success", ["success-surface"]],
  ])("let %s be read on everything it stands on", (colour, grounds) => {
    for (const ground of grounds) expect(contrast(tokens, colour, ground), `${colour} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  });

  it("let a field be seen", () => {
    for (const ground of ["surface", "field"]) expect(contrast(tokens, "field-line", ground)).toBeGreaterThanOrEqual(3);
  });
});
