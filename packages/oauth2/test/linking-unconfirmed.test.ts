/** An account with somebody's address that somebody else has made: it gets no way in that outlives the owner's turning up. @module */
import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { ANN, type App, haveUser, notice, PASSWORD, signIn, signInBy, startApp, subjectsOf, who } from "./support.ts";

const EVES = "the pass phrase of eve herself";
/** Eve's own account at the provider. */
const EVE = { sub: "eve-there" };
/** The same, where the provider lets people name any address. */
const EVE_AS_ANN = { ...EVE, email: ANN, email_verified: false };

/** What it would be good for: Ann confirms her address and takes another password, and Eve comes by her provider. */
async function annTurnsUp(app: App, pid: string): Promise<void> {
  await app.storer.confirmUser(pid, ANN, app.clock.now());
  await app.storer.setPasswordHash(pid, await app.hasher.hash(PASSWORD));
}

describe("an account with Ann's address that Eve has made, and nobody confirmed", () => {
  const ways: Record<string, (app: App, eve: ReturnType<App["browser"]>) => Promise<unknown>> = {
    "where the provider names Ann's address": async (app, eve) => {
      const asked = await signInBy(app, eve, EVE_AS_ANN);
      return asked.page.form("/auth/oauth2/connect").submit({ password: EVES });
    },
    "where the provider names none and Eve types it": async (app, eve) => {
      const asked = await signInBy(app, eve, EVE);
      const next = await asked.page.form("/auth/oauth2/finish").submit({ email: ANN });
      return next.page.form("/auth/oauth2/connect").submit({ password: EVES });
    },
    "where Eve is signed in": async (_, eve) => {
      await signIn(eve, ANN, EVES);
      return eve.json("POST", "/auth/oauth2/link/demo", {});
    },
  };
  it.each(Object.entries(ways))("is connected with nothing by Eve's password, though she gets in: %s", async (_, connect) => {
    const app = await startApp({ confirm: { policy: "allow-limited" } });
    const pid = await haveUser(app, ANN, { password: EVES, confirmed: false });
    const eve = app.browser();
    await connect(app, eve);
    assert.equal(await who(eve), ANN);
    assert.deepEqual(await subjectsOf(app, pid), []);
    await annTurnsUp(app, pid);
    const later = app.browser();
    await signInBy(app, later, EVE);
    assert.deepEqual([await who(later), await who(eve)], [null, null]);
  });

  it("is not connected later by what waited, where nobody gets in before the address is confirmed", async () => {
    const app = await startApp();
    const pid = await haveUser(app, ANN, { password: EVES, confirmed: false });
    const eve = app.browser();
    const asked = await signInBy(app, eve, EVE_AS_ANN);
    await asked.page.form("/auth/oauth2/connect").submit({ password: EVES });
    await app.storer.confirmUser(pid, ANN, app.clock.now());
    await signIn(eve, ANN, EVES);
    assert.deepEqual(await subjectsOf(app, pid), []);
  });

  it("tells whoever gave the password that the other account is not connected", async () => {
    const app = await startApp({ confirm: { policy: "allow-limited" } });
    await haveUser(app, ANN, { password: EVES, confirmed: false });
    const eve = app.browser();
    const asked = await signInBy(app, eve, EVE_AS_ANN);
    await asked.page.form("/auth/oauth2/connect").submit({ password: EVES });
    assert.match(notice(await eve.get("/auth/oauth2")), /could not be connected/);
  });
});
