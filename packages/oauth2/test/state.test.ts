/** The way back belongs to the browser, the provider and the moment in which it began, and is gone once. @module */
import assert from "node:assert/strict";
import { minutes } from "@castellan/core";
import { oidcProvider } from "@castellan/oauth2";
import type { BrowserClient } from "@castellan/testkit";
import { describe, it } from "vitest";
import { CLIENT } from "./lying-provider.ts";
import {
  ANN,
  ANN_THERE,
  type App,
  comeBack,
  depart,
  haveLinked,
  haveUser,
  PASSWORD,
  pathOf,
  signIn,
  signInBy,
  startApp,
  users,
  who,
} from "./support.ts";

/** Begins, and comes back with what `change` makes of the address. */
async function withChanged(app: App, change: (back: URL) => void, browser: BrowserClient = app.browser()) {
  const back = app.provider.approve(await depart(browser), ANN_THERE);
  change(back);
  return { browser, answer: await comeBack(browser, back), back };
}

const notRedeemed = (app: App): void => assert.equal(app.provider.requests.includes("POST /token"), false, "the code was not redeemed");

describe("an answer whose state", () => {
  const changes: Record<string, (back: URL) => void> = {
    "is missing": (back) => back.searchParams.delete("state"),
    "is empty": (back) => back.searchParams.set("state", ""),
    "was made up": (back) => back.searchParams.set("state", "A".repeat(43)),
    "is shorter by one": (back) => back.searchParams.set("state", String(back.searchParams.get("state")).slice(0, -1)),
    "is long": (back) => back.searchParams.set("state", "A".repeat(10_000)),
    "comes twice": (back) => back.searchParams.append("state", String(back.searchParams.get("state"))),
    "is an array": (back) => {
      back.searchParams.set("state[]", String(back.searchParams.get("state")));
      back.searchParams.delete("state");
    },
    "holds a NUL": (back) => back.searchParams.set("state", "\0"),
    "is in the fragment of another name": (back) => {
      back.searchParams.set("State", String(back.searchParams.get("state")));
      back.searchParams.delete("state");
    },
  };
  it.each(Object.entries(changes))("T21.07: %s is refused: nobody is signed in, and the code is not redeemed", async (_, change) => {
    const app = await startApp();
    await haveLinked(app);
    const { answer, browser } = await withChanged(app, change);
    assert.equal(answer.status, 400);
    assert.match(answer.page.text, /began in another browser/);
    assert.equal(await who(browser), null);
    notRedeemed(app);
  });

  it("T21.06: is another browser's is refused, and the other browser is not disturbed", async () => {
    const app = await startApp();
    await haveLinked(app);
    const [attacker, victim] = [app.browser(), app.browser()];
    const back = app.provider.approve(await depart(attacker), ANN_THERE);
    await depart(victim);
    assert.equal((await comeBack(victim, back)).status, 400);
    assert.equal((await comeBack(app.browser(), back)).status, 400);
    assert.equal(await who(victim), null);
    notRedeemed(app);
    await comeBack(attacker, back);
    assert.equal(await who(attacker), ANN);
  });

  it("was used is refused the second time, and whoever is signed in stays so", async () => {
    const app = await startApp();
    await haveLinked(app);
    const { browser, back } = await withChanged(app, () => {});
    assert.equal(await who(browser), ANN);
    assert.equal((await comeBack(browser, back)).status, 400);
    assert.equal(await who(browser), ANN);
    assert.equal(app.provider.requests.filter((line) => line === "POST /token").length, 1);
  });

  it("was used for a failure is used up too", async () => {
    const app = await startApp();
    await haveLinked(app);
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    const denied = new URL(back);
    denied.searchParams.set("error", "access_denied");
    await comeBack(browser, denied);
    assert.equal((await comeBack(browser, back)).status, 400);
    assert.equal(await who(browser), null);
  });

  it("is ten minutes old is refused, and at the last moment it is not", async () => {
    const app = await startApp();
    await haveLinked(app);
    const [early, late] = [app.browser(), app.browser()];
    const [first, second] = [app.provider.approve(await depart(early), ANN_THERE), app.provider.approve(await depart(late), ANN_THERE)];
    app.clock.set(new Date(app.clock.now().getTime() + minutes(10) - 1));
    await comeBack(early, first);
    app.clock.set(new Date(app.clock.now().getTime() + 1));
    assert.equal((await comeBack(late, second)).status, 400);
    assert.deepEqual([await who(early), await who(late)], [ANN, null]);
  });

  it("is of another provider is refused there: each has an address of its own to come back to", async () => {
    const app = await startApp({
      providers: (provider) => ({ other: oidcProvider({ label: "Other", issuer: provider.issuer, ...CLIENT }) }),
    });
    await haveLinked(app);
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    back.pathname = back.pathname.replace("/demo", "/other");
    assert.equal((await comeBack(browser, back)).status, 400);
    notRedeemed(app);
    assert.equal(await who(browser), null);
  });

  it("stands in a cookie that somebody copied from elsewhere is worth nothing: it is sealed", async () => {
    const app = await startApp();
    await haveLinked(app);
    const [attacker, victim] = [app.browser(), app.browser()];
    const back = app.provider.approve(await depart(attacker), ANN_THERE);
    const cookie = attacker.jar.get("__Host-castellan-oauth2");
    assert.ok(cookie);
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite], [true, true, "lax"]);
    victim.jar.put({ ...cookie, value: `${cookie.value.slice(0, -2)}xx` });
    assert.equal((await comeBack(victim, back)).status, 400);
  });
});

describe("a way that has begun", () => {
  it("lies sealed in the database, and its state only as a hash", async () => {
    const app = await startApp();
    const way = await depart(app.browser(), "Demo", "/auth/login?redir=%2Faccount");
    const [flow] = app.storer.dump().flows;
    const kept = JSON.stringify(flow);
    for (const secret of [way.searchParams.get("state"), way.searchParams.get("nonce"), "/account", "verifier"]) {
      assert.equal(kept.includes(String(secret)), false, String(secret));
    }
  });

  it("does not disturb another one in the next tab", async () => {
    const app = await startApp();
    await haveLinked(app);
    const browser = app.browser();
    const [one, two] = [await depart(browser), await depart(browser)];
    assert.notEqual(one.searchParams.get("state"), two.searchParams.get("state"));
    assert.equal((await comeBack(browser, app.provider.approve(one, ANN_THERE))).status, 200);
    assert.equal((await comeBack(browser, app.provider.approve(two, ANN_THERE))).status, 200);
  });

  it("is over when somebody signs out", async () => {
    const app = await startApp();
    await haveLinked(app);
    const browser = app.browser();
    await signInBy(app, browser);
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    assert.equal((await browser.json("POST", "/auth/logout", {})).status, 200);
    assert.equal((await comeBack(browser, back)).status, 400);
  });

  it("is swept when its time is over", async () => {
    const app = await startApp();
    await depart(app.browser());
    assert.equal(await app.gate.sweep(), 0);
    app.clock.advance(minutes(10));
    await app.gate.sweep();
    assert.deepEqual(app.storer.dump().flows, []);
  });
});

describe("what waits in a browser for a proof or a name", () => {
  const paths = { connect: ANN_THERE, finish: { sub: "ann-there" } };
  it.each(Object.entries(paths))(
    "(%s) is not shown to somebody else who signs in there, nor afterwards to anybody",
    async (path, person) => {
      const app = await startApp();
      for (const email of [ANN, "bob@example.com"]) await haveUser(app, email);
      const browser = app.browser();
      await signInBy(app, browser, person);
      assert.equal((await browser.get(`/auth/oauth2/${path}`)).status, 200);
      await signIn(browser, "bob@example.com");
      const shown = await browser.get(`/auth/oauth2/${path}`);
      assert.equal(shown.status, 410);
      assert.doesNotMatch(shown.text, /ann@/);
      assert.equal((await browser.json("POST", `/auth/oauth2/${path}`, { email: "bob@example.com", password: PASSWORD })).status, 410);
      await browser.json("POST", "/auth/logout", {});
      assert.equal((await browser.get(`/auth/oauth2/${path}`)).status, 410);
    },
  );

  it("is over when somebody signs out there, also who was not in yet", async () => {
    const app = await startApp();
    await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser);
    assert.equal((await browser.get("/auth/oauth2/connect")).status, 200);
    assert.equal((await browser.json("POST", "/auth/logout", {})).status, 200);
    assert.equal((await browser.get("/auth/oauth2/connect")).status, 410);
  });
});

describe("a provider that answers by a form (Apple)", () => {
  const posting = () => startApp({ demo: { responseMode: "form_post" } });
  const posted = (back: URL): [string, string][] => [...back.searchParams];

  it("posts from its own site, without our cookies: that is answered by a GET, which they come with", async () => {
    const app = await posting();
    await haveLinked(app);
    const browser = app.browser();
    const way = await depart(browser);
    assert.equal(way.searchParams.get("response_mode"), "form_post");
    const back = app.provider.approve(way, ANN_THERE);
    const answer = await browser.post(back.pathname, [...posted(back), ["user", '{"name":"<b>"}'], ["id_token", "x"]], {
      from: "https://appleid.example",
      followRedirects: false,
    });
    assert.equal(answer.status, 303);
    assert.equal(new URL(String(answer.location), "https://app.example.test").pathname, back.pathname);
    assert.doesNotMatch(String(answer.location), /user|id_token/);
    assert.equal(await who(browser), null);
    await comeBack(browser, new URL(String(answer.location), "https://app.example.test"));
    assert.equal(await who(browser), ANN);
  });

  it("may be followed at once, as a browser does", async () => {
    const app = await posting();
    await haveLinked(app);
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    await browser.post(back.pathname, posted(back), { from: "https://appleid.example" });
    assert.equal(await who(browser), ANN);
  });

  it("is still checked there: what another browser began, or nobody, is refused", async () => {
    const app = await posting();
    await haveLinked(app);
    const back = app.provider.approve(await depart(app.browser()), ANN_THERE);
    const victim = app.browser();
    await depart(victim);
    assert.equal((await victim.post(back.pathname, posted(back), { from: "https://appleid.example" })).status, 400);
    assert.equal((await victim.post(back.pathname, { code: "x" }, { from: "https://appleid.example" })).status, 400);
    assert.equal(await who(victim), null);
  });

  it("opens no other address to other sites, and none at a provider that does not post", async () => {
    const app = await posting();
    const browser = app.browser();
    assert.equal((await browser.post("/auth/oauth2/demo", {}, { from: "https://appleid.example" })).status, 403);
    const plain = await startApp();
    assert.equal((await plain.browser().post("/auth/oauth2/callback/demo", {}, { from: "https://appleid.example" })).status, 405);
  });
});

describe("an address of a provider", () => {
  it("T21.03 T21.05: that does not exist is nobody's", async () => {
    const app = await startApp();
    for (const path of ["/auth/oauth2/nobody", "/auth/oauth2/callback/nobody", "/auth/oauth2/__proto__", "/auth/oauth2/DEMO"]) {
      assert.equal((await app.browser().get(path)).status, 404, path);
    }
  });

  it("takes no sign-in out of the query or the body of somebody else's making", async () => {
    const app = await startApp();
    await haveUser(app);
    const browser = app.browser();
    await signIn(browser);
    const stranger = app.browser();
    await stranger.get(pathOf(new URL("https://app.example.test/auth/oauth2/callback/demo?code=1&sub=ann-there&email=ann%40example.com")));
    assert.equal(await who(stranger), null);
    assert.deepEqual(users(app), [ANN]);
  });
});
