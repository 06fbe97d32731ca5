/** The module against a real OpenID provider, over HTTP: the whole way, refused replays, and tokens that are refreshed and ended there. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { systemClock } from "@castellan/core";
import { oauth2, oidcProvider } from "@castellan/oauth2";
import { type BrowserClient, browserClient, harness, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";
import express from "express";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DEMO_CLIENT, startDemoProvider } from "../examples/full/demo-provider.mjs";
import { freePort } from "./support/example.ts";

const ROOT = "https://app.example.test";

let provider: NonNullable<Awaited<ReturnType<typeof startDemoProvider>>>;
beforeAll(async () => {
  const redirectUri = `${ROOT}/auth/oauth2/callback/demo`;
  // Short enough to be refreshed whenever somebody asks.
  const started = await startDemoProvider({ port: await freePort(), redirectUri, accessTokenSeconds: 30 });
  assert.ok(started);
  provider = started;
});
afterAll(() => provider.close());

const start = () =>
  harness({
    gate: (options) =>
      castellan({
        sessions: expressSessions({ secret: TEST_SECRET }),
        ...options,
        clock: systemClock,
        modules: {
          auth: auth(),
          oauth2: oauth2({
            demo: oidcProvider({
              label: "Demo",
              issuer: provider.issuer,
              ...DEMO_CLIENT,
              scope: "openid email profile offline_access",
              prompt: "consent",
              keepTokens: true,
            }),
          }),
        },
      }),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/account", gate.require(), (req, res) => void res.send(gate.user(req).login));
      return app;
    },
  });

const depart = async (browser: BrowserClient): Promise<URL> => {
  const told = (await browser.json("POST", "/auth/oauth2/demo", { redir: "/account" })).json() as { location: string };
  return new URL(told.location);
};

/** At the provider: chooses a person, as in a browser. Answers where that leads back to. */
async function agree(way: URL, person: string): Promise<URL> {
  const there = browserClient(provider.issuer);
  const { page } = await there.get(way.pathname + way.search);
  const form = page.forms.find(({ action }) => action.endsWith(`/${person}`));
  assert.ok(form, page.text);
  // It follows until the address is another site's.
  const answer = await form.submit();
  return new URL(String(answer.location));
}

it("signs somebody in by a real provider, keeps the tokens, refreshes and ends them there", async () => {
  const app = await start();
  try {
    const browser = app.browser();
    const back = await agree(await depart(browser), "ann");
    expect(back.searchParams.get("iss")).toBe(provider.issuer);
    const answer = await browser.get(back.pathname + back.search, { from: provider.issuer });
    expect([answer.url, answer.text]).toEqual([`${ROOT}/account`, "ann.demo@example.com"]);

    const again = await browser.get(back.pathname + back.search, { from: provider.issuer });
    expect(again.status).toBe(400);

    const user = await app.storer.findByLogin("ann.demo@example.com");
    assert.ok(user);
    const [identity] = app.storer.dump().identities;
    assert.ok(identity);
    expect([identity.issuer, identity.subject]).toEqual([provider.issuer, "ann"]);
    const tokens = await app.gate.oauth2.tokens(user, "demo");
    assert.ok(tokens?.refreshToken);
    const whoIs = (token: string) => fetch(`${provider.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
    expect((await whoIs(tokens.accessToken)).status).toBe(200);
    const next = await app.gate.oauth2.tokens(user, "demo");
    assert.ok(next);
    expect(next.accessToken).not.toBe(tokens.accessToken);
    expect((await whoIs(next.accessToken)).status).toBe(200);
    expect(await app.gate.oauth2.revokeTokens(user, "demo")).toBe(true);
    expect((await whoIs(next.accessToken)).status).toBe(401);
    expect(await app.gate.oauth2.tokens(user, "demo")).toBeNull();
  } finally {
    await app.close();
  }
});

it("is refused by a real provider without the verifier of the challenge, and lets nobody in then", async () => {
  const app = await start();
  try {
    const [attacker, victim] = [app.browser(), app.browser()];
    const theirs = await agree(await depart(attacker), "eve");
    const back = await agree(await depart(victim), "ann");
    back.searchParams.set("code", String(theirs.searchParams.get("code")));
    const answer = await victim.get(back.pathname + back.search, { from: provider.issuer });
    expect(answer.status).toBe(502);
    expect((await victim.get("/account", { followRedirects: false })).status).toBe(303);
    expect(app.storer.dump().users).toEqual([]);
  } finally {
    await app.close();
  }
});

it("leads people back who would rather not", async () => {
  const app = await start();
  try {
    const browser = app.browser();
    const back = await agree(await depart(browser), "nobody");
    expect(back.searchParams.get("error")).toBe("access_denied");
    expect((await browser.get(back.pathname + back.search, { from: provider.issuer })).url).toBe(`${ROOT}/auth/login`);
  } finally {
    await app.close();
  }
});
