/** Recovery codes: how they look, how they are kept, and that each lets its owner in once. @module */
import assert from "node:assert/strict";
import { digest, readCode } from "@castellan/core";
import type { BrowserClient } from "@castellan/testkit";
import { useRecoveryCode } from "@castellan/twofactor";
import { minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  type App,
  answerPin,
  answerRecovery,
  BOB,
  givePin,
  PIN,
  parallel,
  pidOf,
  signedIn,
  startApp,
  tally,
  told,
  verdictOf,
  waiting,
  whoIsFull,
} from "./support.ts";

const regenerate = (browser: BrowserClient) => browser.json("POST", "/auth/2fa/recovery/regen", {});

/** An application whose Ann has a factor and these codes. */
async function withCodes(changes: Parameters<typeof startApp>[0] = {}): Promise<{ app: App; browser: BrowserClient; codes: string[] }> {
  const app = await startApp(changes);
  await givePin(app);
  const browser = await signedIn(app);
  const { codes } = told(await regenerate(browser)) as { codes: string[] };
  return { app, browser, codes };
}

const stored = (app: App, login = ANN): readonly string[] =>
  app.storer.dump().users.find(({ pid }) => pid === pidOf(login))?.recoveryCodes ?? [];

describe("new recovery codes", () => {
  it("T18.01: are made by a POST and counted by a GET, as a page and as JSON", async () => {
    const { app } = await withCodes();
    const { routes } = app.gate.describe();
    for (const route of ["GET /2fa/recovery/regen", "POST /2fa/recovery/regen"]) assert.ok(routes.includes(`${route} (twofactor)`), route);
  });

  it("T18.02: are only counted on the page that makes them, before and after", async () => {
    const { browser, codes } = await withCodes();
    const page = await browser.get("/auth/2fa/recovery/regen");
    assert.match(page.page.text, /Recovery codes left: 10\./);
    for (const code of codes) assert.equal(page.text.includes(code), false);
    const data = told(await browser.json("GET", "/auth/2fa/recovery/regen"));
    assert.deepEqual([data["left"], data["codes"]], [10, null]);
  });

  it("T18.03: are as many as are stored, and each is the one of its hash", async () => {
    const { app, codes } = await withCodes();
    assert.deepEqual(
      stored(app),
      codes.map((code) => digest("recovery code", readCode(code) ?? "")),
    );
  });

  it("T18.04: are ten of 130 random bits, in groups of five signs that nobody mistakes for another", async () => {
    const { codes } = await withCodes();
    assert.equal(new Set(codes).size, 10);
    for (const code of codes) assert.match(code, /^([0-9a-hjkmnp-tv-z]{5}-){5}[0-9a-hjkmnp-tv-z]$/);
  });

  it("T18.05: lie in the store as hashes and nowhere else", async () => {
    const { app, browser, codes } = await withCodes();
    await browser.get("/auth/2fa");
    const atRest = JSON.stringify(app.storer.dump(), (_, value: unknown) => (value instanceof Map ? [...value] : value));
    const logged = JSON.stringify(app.log);
    for (const code of codes) {
      for (const form of [code, readCode(code) ?? ""]) {
        assert.equal(atRest.includes(form), false);
        assert.equal(logged.includes(form), false);
      }
    }
  });

  it("can be printed and saved without a script, and no cache keeps the page", async () => {
    const { browser } = await withCodes();
    const made = await (await browser.get("/auth/2fa/recovery/regen")).page.form("/auth/2fa/recovery/regen").submit({});
    assert.equal(made.headers["cache-control"], "no-store");
    const { href } = made.page.link("Save as a text file");
    assert.match(href, /^data:text\/plain/);
    const lines = decodeURIComponent(href.slice(href.indexOf(",") + 1))
      .trim()
      .split("\r\n");
    assert.equal(lines.length, 10);
    for (const line of lines) assert.ok(made.page.text.includes(line));
  });

  it("take the place of all older ones, and the owner is told by mail", async () => {
    const { app, browser, codes } = await withCodes();
    const { codes: fresh } = told(await regenerate(browser)) as { codes: string[] };
    const other = await waiting(app);
    assert.equal(verdictOf(await answerRecovery(other, codes[0])), "401 code_invalid");
    assert.equal(verdictOf(await answerRecovery(other, fresh[0])), "200 signed_in");
    const subjects = (await app.mails()).map(({ subject }) => subject);
    assert.equal(subjects.filter((subject) => subject === "New recovery codes were made").length, 2);
  });

  it("W23: want a second factor that was given in the last fifteen minutes", async () => {
    const { app, browser } = await withCodes();
    app.clock.advance(minutes(16));
    const refused = await regenerate(browser);
    assert.equal(verdictOf(refused), "403 recent_login_required");
    assert.equal(told(refused)["location"], "/auth/2fa/pin/validate");
    assert.equal(verdictOf(await answerPin(browser)), "200 factor_given");
    assert.equal(verdictOf(await regenerate(browser)), "200 recovery_codes_replaced");
  });

  it("are none for whoever has no factor", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    assert.equal((await regenerate(browser)).status, 403);
    assert.deepEqual(stored(app), []);
  });

  it("of twenty requests at once are those of one", async () => {
    const { app, browser } = await withCodes();
    const answers = await parallel(20, () => regenerate(browser));
    const sets = answers.map((answer) =>
      (told(answer) as { codes: string[] }).codes.map((code) => digest("recovery code", readCode(code) ?? "")),
    );
    assert.equal(sets.filter((hashes) => JSON.stringify(hashes) === JSON.stringify(stored(app))).length, 1);
  });
});

describe("a recovery code", () => {
  it("T18.06: lets in once, and is gone: the middle one, the first, the last, and no other with it", async () => {
    const { app, codes } = await withCodes();
    let left = [...stored(app)];
    for (const index of [5, 0, 9]) {
      const browser = await waiting(app);
      assert.equal(verdictOf(await answerRecovery(browser, codes[index])), "200 signed_in");
      assert.equal(await whoIsFull(browser), ANN);
      left = left.filter((hash) => hash !== digest("recovery code", readCode(codes[index] ?? "") ?? ""));
      assert.deepEqual(stored(app), left);
      assert.equal(verdictOf(await answerRecovery(await waiting(app), codes[index])), "401 code_invalid");
    }
    assert.equal(left.length, 7);
  });

  it("W10: is one of the owner's and nothing else: no empty text, no other sign, no hash, nobody else's", async () => {
    const { app, codes } = await withCodes();
    await givePin(app, BOB, []);
    const bobs = told(await regenerate(await signedIn(app, BOB))) as { codes: string[] };
    const [code = ""] = codes;
    const wrong = ["x", "-----", "0", `${code}0`, code.slice(0, -1), stored(app)[0], bobs.codes[0], PIN, "null", "[object Object]"];
    for (const attempt of wrong) {
      const browser = await waiting(app);
      assert.equal(verdictOf(await answerRecovery(browser, attempt)), "401 code_invalid", attempt);
      app.clock.advance(minutes(61));
    }
    const browser = await waiting(app);
    for (const none of ["", [code], { code }, null, 7, "0".repeat(10_000)]) assert.equal((await answerRecovery(browser, none)).status, 422);
    assert.equal(stored(app).length, 10);
    assert.equal(await whoIsFull(browser), "nobody");
  });

  it("is read in capitals, with spaces, without hyphens, and with the letters that people take for digits", async () => {
    const { app, codes } = await withCodes();
    const forms = [
      (code: string) => code.toUpperCase(),
      (code: string) => ` ${code.replaceAll("-", " ")} `,
      (code: string) => code.replaceAll("-", ""),
      (code: string) => code.replaceAll("0", "O").replaceAll("1", "l"),
    ];
    for (const [index, form] of forms.entries()) {
      assert.equal(verdictOf(await answerRecovery(await waiting(app), form(codes[index] ?? ""))), "200 signed_in");
    }
  });

  it("W18: of twenty uses at once lets one in", async () => {
    const { app, codes } = await withCodes();
    const browsers = await parallel(5, () => waiting(app));
    const answers = await parallel(20, (index) => answerRecovery(browsers[index % 5] ?? assert.fail(), codes[0]));
    assert.equal(answers.filter((answer) => verdictOf(answer) === "200 signed_in").length, 1);
    assert.equal(stored(app).length, 9);
    const inside = await Promise.all(browsers.map(whoIsFull));
    assert.deepEqual(
      inside.filter((who) => who === ANN),
      [ANN],
    );
  });

  it("of twenty uses at once in one waiting login lets one in: it is not lost, though five tries are used up", async () => {
    const { app, codes } = await withCodes();
    const browser = await waiting(app);
    const answers = await parallel(20, () => answerRecovery(browser, codes[0]));
    assert.equal(answers.filter((answer) => verdictOf(answer) === "200 signed_in").length, 1);
    assert.equal(await whoIsFull(browser), ANN);
  });

  it("is told to its owner and to the channel, with what is left, and more plainly when few are", async () => {
    const heard: number[] = [];
    const { app, codes } = await withCodes({
      add: (_, gate) => void gate.on(useRecoveryCode).after("notify", ({ left }) => void heard.push(left)),
    });
    for (const code of codes) assert.equal(verdictOf(await answerRecovery(await waiting(app), code)), "200 signed_in");
    assert.deepEqual(heard, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    const texts = (await app.mails()).filter(({ subject }) => subject === "A recovery code was used").map(({ text }) => text);
    assert.equal(texts.length, 10);
    assert.match(texts[0] ?? "", /Recovery codes left: 9\./);
    assert.doesNotMatch(texts[0] ?? "", /Make new ones soon/);
    assert.match(texts[9] ?? "", /Recovery codes left: 0\. Make new ones soon/);
    for (const text of texts) for (const code of codes) assert.equal(text.includes(code), false);
  });

  it("counts as a second factor, so that the lost one can be removed", async () => {
    const { app, codes } = await withCodes();
    const browser = await waiting(app);
    await answerRecovery(browser, codes[0]);
    assert.equal((await browser.get("/safe")).text, `safe of ${ANN}`);
    assert.equal(verdictOf(await browser.json("POST", "/auth/2fa/pin/remove", {})), "200 factor_removed");
    assert.equal(await whoIsFull(browser), ANN);
    assert.equal(verdictOf(await browser.json("POST", "/auth/logout", {})), "200 signed_out");
  });

  it("is not spent by a guess at another account, nor where nobody waits", async () => {
    const { app, codes } = await withCodes();
    await givePin(app, BOB, []);
    assert.equal(verdictOf(await answerRecovery(await waiting(app, BOB), codes[0])), "401 code_invalid");
    assert.equal((await answerRecovery(app.browser(), codes[0])).status, 401);
    assert.equal(stored(app).length, 10);
  });

  it("lets nobody in while the account is locked, and is not spent", async () => {
    const { app, codes } = await withCodes();
    const browser = await waiting(app);
    await app.gate.lock.lock(pidOf(ANN));
    assert.equal((await answerRecovery(browser, codes[0])).status, 401);
    assert.equal(await whoIsFull(browser), "nobody");
    assert.equal(stored(app).length, 10);
  });

  it("counts wrong ones with all others: the eleventh in an hour is not looked at", async () => {
    const { app, codes } = await withCodes();
    const verdicts: Record<string, number> = {};
    for (let round = 0; round < 3; round += 1) {
      const browser = await waiting(app);
      for (const [verdict, count] of Object.entries(tally(await parallel(4, () => answerRecovery(browser, "00000-00000"))))) {
        verdicts[verdict] = (verdicts[verdict] ?? 0) + count;
      }
    }
    assert.deepEqual(verdicts, { "401 code_invalid": 10, "429 too_many_attempts": 2 });
    assert.equal(verdictOf(await answerRecovery(await waiting(app), codes[0])), "429 too_many_attempts");
    app.clock.advance(minutes(60));
    assert.equal(verdictOf(await answerRecovery(await waiting(app), codes[0])), "200 signed_in");
  });
});
