/** A provider that answers by a form from its own site, as Apple does: Chromium posts it without our cookies, and the GET that it is answered by brings them. @module */
import { auth } from "@castellan/auth";
import { systemClock } from "@castellan/core";
import { oauth2, oidcProvider } from "@castellan/oauth2";
import { type Harness, harness, TEST_SECRET } from "@castellan/testkit";
import { allowPlainHttp, castellan, expressSessions, type GateBase, type User } from "castellan";
import express from "express";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEMO_CLIENT, startDemoProvider } from "../examples/full/demo-provider.mjs";
import { launchChromium, watch, withoutChromium } from "./support/chromium.ts";
import { freePort } from "./support/example.ts";

describe.skipIf(withoutChromium)("a provider that answers by a form, in Chromium", () => {
  let browser: Browser;
  let app: Harness<GateBase<User>>;
  let url: string;
  let provider: NonNullable<Awaited<ReturnType<typeof startDemoProvider>>>;
  const posted: { readonly site: unknown; readonly cookie: unknown }[] = [];

  beforeAll(async () => {
    // The application by another name of this machine than the provider: two sites, as far as the browser is concerned.
    const [port, providerPort] = [await freePort(), await freePort()];
    url = `http://localhost:${port}`;
    const [started, launched] = await Promise.all([
      startDemoProvider({ port: providerPort, redirectUri: `${url}/auth/oauth2/callback/demo` }),
      launchChromium(),
    ]);
    if (!started) throw new Error("the provider did not start");
    [provider, browser] = [started, launched];
    app = await harness({
      rootUrl: url,
      gate: (options) =>
        castellan({
          sessions: expressSessions({ secret: TEST_SECRET }),
          ...options,
          [allowPlainHttp]: true,
          clock: systemClock,
          modules: {
            auth: auth({ afterLogin: "/account" }),
            oauth2: oauth2(
              { demo: oidcProvider({ label: "Demo", issuer: provider.issuer, ...DEMO_CLIENT, responseMode: "form_post" }) },
              { afterLogin: "/account" },
            ),
          },
        }),
      app(gate) {
        const application = express();
        application.use((req, _res, next) => {
          if (req.method === "POST" && req.path.startsWith("/auth/oauth2/callback"))
            posted.push({ site: req.headers["sec-fetch-site"], cookie: req.headers.cookie });
          next();
        });
        application.use(gate.clientState());
        application.use("/auth", gate.router);
        application.get("/account", gate.require(), (req, res) => void res.send(`<h1>${gate.user(req).login}</h1>`));
        const listening = application.listen(port, "127.0.0.1");
        closing = () => listening.close();
        return application;
      },
    });
  });
  let closing = (): unknown => undefined;
  afterAll(async () => {
    await browser?.close();
    closing();
    await app?.close();
    await provider?.close();
  });

  const goThere = async (page: Page): Promise<void> => {
    await page.goto(`${url}/auth/login`);
    await page.getByRole("button", { name: "Continue with Demo" }).click();
    await page.waitForURL(`${provider.issuer}/**`);
  };

  it("signs somebody in", async () => {
    const page = await browser.newPage();
    const complaints = watch(page);
    await goThere(page);
    await page.getByRole("button", { name: "Ann Demo" }).click();
    await page.waitForURL(`${url}/account`);
    expect(await page.textContent("h1")).toBe("ann.demo@example.com");
    expect(posted).toEqual([{ site: "cross-site", cookie: undefined }]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it("signs nobody in whose browser did not begin", async () => {
    const [attacker, victim] = [await browser.newPage(), await browser.newPage()];
    await goThere(attacker);
    await attacker.route(`${url}/auth/oauth2/callback/**`, async (route) => {
      // What the attacker got is posted from a page of theirs, in the victim's browser.
      const fields = new URLSearchParams(route.request().postData() ?? "");
      await route.abort();
      const inputs = [...fields].map(([name, value]) => `<input name="${name}" value="${value}">`).join("");
      await victim.goto(`${provider.issuer}/.well-known/openid-configuration`);
      await victim.setContent(`<form method="post" action="${url}/auth/oauth2/callback/demo">${inputs}<button>Go</button></form>`);
      await victim.getByRole("button").click();
    });
    await attacker.getByRole("button", { name: "Eve Demo" }).click();
    await victim.waitForURL(`${url}/auth/oauth2/callback/demo?**`);
    expect(await victim.textContent("main")).toContain("began in another browser");
    await victim.goto(`${url}/account`);
    expect(new URL(victim.url()).pathname).toBe("/auth/login");
    for (const page of [attacker, victim]) await page.context().close();
  });
});
