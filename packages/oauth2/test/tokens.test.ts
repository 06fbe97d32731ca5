/** The provider's tokens: sealed at rest, refreshed when they are needed, ended when they are not. @module */
import assert from "node:assert/strict";
import { minutes } from "@castellan/core";
import { describe, it } from "vitest";
import { ANN_THERE, type App, haveLinked, signInBy, startApp } from "./support.ts";

async function withTokens(): Promise<{ app: App; user: Awaited<ReturnType<App["storer"]["load"]>> & object }> {
  const app = await startApp({ demo: { keepTokens: true } });
  await signInBy(app, app.browser());
  const [{ pid = "" } = {}] = app.storer.dump().users;
  const user = await app.storer.load(pid);
  assert.ok(user);
  return { app, user };
}

describe("tokens of a provider", () => {
  it("are kept only where that is wanted", async () => {
    const app = await startApp();
    await signInBy(app, app.browser());
    assert.equal(app.storer.dump().identities[0]?.tokens, null);
  });

  it("lie sealed, for this user and this identity only", async () => {
    const { app, user } = await withTokens();
    const [identity] = app.storer.dump().identities;
    assert.ok(identity?.tokens);
    assert.doesNotMatch(identity.tokens, /access-|refresh-/);
    const tokens = await app.gate.oauth2.tokens(user, "demo");
    assert.match(String(tokens?.accessToken), /^access-/);
    assert.equal(tokens?.expiresAt?.getTime(), app.clock.now().getTime() + 3_600_000);
    // In somebody else's row they open for nobody.
    const pid = await haveLinked(app, "eve@example.com", "eve-there");
    await app.storer.replaceTokens(pid, identity.issuer, "eve-there", null, identity.tokens);
    const eve = await app.storer.load(pid);
    assert.ok(eve);
    assert.equal(await app.gate.oauth2.tokens(eve, "demo"), null);
  });

  it("are refreshed when they are about to end, once for all who ask at the time", async () => {
    const { app, user } = await withTokens();
    const first = await app.gate.oauth2.tokens(user, "demo");
    app.clock.advance(minutes(59));
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.gate.oauth2.tokens(user, "demo")));
    const [next] = answers;
    assert.ok(next);
    assert.notEqual(next.accessToken, first?.accessToken);
    for (const answer of answers) assert.equal(answer?.accessToken, next.accessToken);
    assert.equal(app.provider.requests.filter((line) => line === "POST /token").length, 2);
    assert.equal((await app.gate.oauth2.tokens(user, "demo"))?.accessToken, next.accessToken);
  });

  it("are forgotten when the provider does not take them any more, and stay when it only does not answer", async () => {
    const { app, user } = await withTokens();
    app.clock.advance(minutes(60));
    app.provider.lies.answers = { token: (res) => void res.writeHead(500).end() };
    await assert.rejects(app.gate.oauth2.tokens(user, "demo"), /did not refresh/);
    assert.ok(app.storer.dump().identities[0]?.tokens);
    app.provider.lies.answers = {
      token: (res) => void res.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_grant"}'),
    };
    assert.equal(await app.gate.oauth2.tokens(user, "demo"), null);
    assert.equal(app.storer.dump().identities[0]?.tokens, null);
  });

  it("keep the one to refresh by where a later sign-in brings none", async () => {
    const { app, user } = await withTokens();
    const before = await app.gate.oauth2.tokens(user, "demo");
    app.provider.lies.tokens = { refresh_token: undefined };
    await signInBy(app, app.browser(), ANN_THERE);
    const after = await app.gate.oauth2.tokens(user, "demo");
    assert.notEqual(after?.accessToken, before?.accessToken);
    assert.equal(after?.refreshToken, before?.refreshToken);
  });

  it("are revoked at the provider and forgotten here", async () => {
    const { app, user } = await withTokens();
    const kept = await app.gate.oauth2.tokens(user, "demo");
    assert.equal(await app.gate.oauth2.revokeTokens(user, "demo"), true);
    assert.deepEqual(app.provider.revoked, [kept?.refreshToken]);
    assert.equal(await app.gate.oauth2.tokens(user, "demo"), null);
    assert.equal(await app.gate.oauth2.revokeTokens(user, "demo"), false);
  });

  const newer: Record<string, (app: App, user: Awaited<ReturnType<typeof withTokens>>["user"]) => Promise<unknown>> = {
    "a sign-in stores newer ones": (app) => signInBy(app, app.browser()),
    "they are refreshed": (app, user) => app.gate.oauth2.tokens(user, "demo"),
  };
  it.each(Object.entries(newer))("are forgotten for good, and the newest ended, also when %s at that moment", async (_, act) => {
    const { app, user } = await withTokens();
    app.clock.advance(minutes(60));
    const list = app.storer.listIdentities;
    app.storer.listIdentities = async (pid) => {
      const found = await list(pid);
      app.storer.listIdentities = list;
      await act(app, user);
      return found;
    };
    assert.equal(await app.gate.oauth2.revokeTokens(user, "demo"), true);
    assert.equal(await app.gate.oauth2.tokens(user, "demo"), null);
    assert.equal(app.provider.revoked.length, 1);
    assert.equal(app.provider.requests.filter((line) => line === "POST /token").length, 2);
  });

  it("that are given out for some that are revoked at that moment are nobody's, and are ended too", async () => {
    const { app, user } = await withTokens();
    app.clock.advance(minutes(60));
    const replace = app.storer.replaceTokens;
    app.storer.replaceTokens = async (...given) => {
      app.storer.replaceTokens = replace;
      assert.equal(await app.gate.oauth2.revokeTokens(user, "demo"), true);
      return replace(...given);
    };
    assert.equal(await app.gate.oauth2.tokens(user, "demo"), null);
    assert.equal(app.provider.revoked.length, 2);
    assert.equal(app.storer.dump().identities[0]?.tokens, null);
  });

  it.each([1e306, 1e16, -1, 0])("whose provider says that they last %d seconds are kept without an end", async (lasts) => {
    const app = await startApp({ demo: { keepTokens: true } });
    app.provider.lies.tokens = { expires_in: lasts };
    const answer = await signInBy(app, app.browser());
    if (answer.status === 502) return assert.equal(lasts, -1);
    const user = await app.storer.findByLogin("ann@example.com");
    assert.ok(user);
    assert.equal((await app.gate.oauth2.tokens(user, "demo"))?.expiresAt, null);
  });

  it("of a provider that nobody has heard of are a mistake in the application", async () => {
    const { app, user } = await withTokens();
    await assert.rejects(app.gate.oauth2.tokens(user, "other"), /there is no provider "other": there are demo/);
  });

  it("that are too long are not kept, and the sign-in goes on", async () => {
    const app = await startApp({ demo: { keepTokens: true } });
    app.provider.lies.tokens = { access_token: "a".repeat(20_000) };
    await signInBy(app, app.browser());
    assert.equal(app.storer.dump().identities[0]?.tokens, null);
    assert.ok(app.log.some(({ message }) => message.includes("too long to be kept")));
  });
});
