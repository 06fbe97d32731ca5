/** Setting up an authenticator app. @module */
import assert from "node:assert/strict";
import { minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  atRest,
  BOB,
  begin,
  codeOf,
  confirm,
  enrol,
  parallel,
  pidOf,
  startApp,
  tally,
  told,
  typed,
  verdictOf,
  whoIsFull,
} from "./support.ts";

const SETUP = "/auth/2fa/totp/setup";
const CONFIRM = "/auth/2fa/totp/confirm";

describe("setting up an authenticator app", () => {
  it("T19.01: has its routes: four pages, each with its POST", async () => {
    const app = await startApp();
    assert.deepEqual(
      app.gate.describe().routes.filter((route) => route.endsWith("(totp)")),
      ["setup", "confirm", "validate", "remove"].flatMap((name) => [`GET /2fa/totp/${name} (totp)`, `POST /2fa/totp/${name} (totp)`]),
    );
  });

  it("T19.05: begins with a page that changes nothing: what waits goes on waiting", async () => {
    const app = await startApp();
    const browser = await typed(app);
    assert.equal(told(await browser.json("GET", SETUP))["waiting"], false);
    const secret = await begin(browser);
    const page = await browser.get(SETUP);
    assert.equal(page.text.includes(secret), false);
    assert.match((await page.page.link("Go on with the one that you began").follow()).page.text, new RegExp(secret.slice(0, 4)));
    assert.equal(told(await browser.json("GET", CONFIRM))["secret"], secret);
  });

  it("T19.06: makes a secret of 160 bits by a POST and leads to where it is confirmed; another POST makes another, and voids the first", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const led = await (await browser.get(SETUP)).page.form(SETUP).submit({});
    assert.ok(led.url.endsWith(CONFIRM));
    const first = String(told(await browser.json("GET", CONFIRM))["secret"]);
    assert.match(first, /^[A-Z2-7]{32}$/);
    const second = await begin(browser);
    assert.notEqual(second, first);
    assert.equal(verdictOf(await confirm(browser, await codeOf(app, first))), "401 code_invalid");
    assert.equal(verdictOf(await confirm(browser, await codeOf(app, second))), "200 factor_added");
  });

  it("T19.07: shows a picture that an app can read, in the page itself, which no cache keeps", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const secret = await begin(browser);
    const page = await browser.get(CONFIRM);
    assert.equal(page.headers["cache-control"], "no-store");
    const { uri, picture } = told(await browser.json("GET", CONFIRM));
    assert.equal(uri, `otpauth://totp/Example:ann%40example.com?secret=${secret}&issuer=Example`);
    const svg = Buffer.from(String(picture).replace("data:image/svg+xml;base64,", ""), "base64").toString();
    assert.match(svg, /^<svg /);
    assert.ok(page.text.includes(String(picture)));
    assert.match(page.text, /alt="A QR code with the key below"/);
  });

  it("T19.08: shows the secret in groups of four while it waits, and leads back to the beginning when nothing waits", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const nothing = await browser.get(CONFIRM);
    assert.ok(nothing.url.endsWith(SETUP));
    assert.match(nothing.page.text, /Please begin again/);
    const secret = await begin(browser);
    assert.ok((await browser.get(CONFIRM)).page.text.includes(secret.match(/.{4}/g)?.join(" ") ?? "?"));
  });

  it("T19.09: confirms nothing where nothing waits, and for nobody", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const refused = await confirm(browser, "123456");
    assert.equal(verdictOf(refused), "410 totp_setup_expired");
    assert.equal(told(refused)["location"], SETUP);
    assert.equal((await confirm(app.browser(), "123456")).status, 401);
  });

  it("T19.10: is on with a right code: ten recovery codes are shown once, what waited is gone, and this browser stays signed in with both proofs", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const secret = await begin(browser);
    const added = await confirm(browser, await codeOf(app, secret));
    assert.equal(verdictOf(added), "200 factor_added");
    assert.equal((told(added) as { codes: string[] }).codes.length, 10);
    assert.deepEqual(app.storer.dump().challenges, []);
    const user = await app.storer.load(pidOf(ANN));
    assert.deepEqual(user?.totpEnabledAt, app.clock.now());
    assert.ok(app.gate.totp.isSetUp(user ?? assert.fail()));
    assert.equal((await browser.get("/safe")).text, `safe of ${ANN}`);
    assert.deepEqual(
      (await app.mails()).map(({ subject }) => subject),
      ["A second factor was added: Authenticator app"],
    );
  });

  it("is begun again after five wrong codes, of however many at once", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const secret = await begin(browser);
    const right = await codeOf(app, secret);
    const answers = await parallel(20, () => confirm(browser, right === "000000" ? "000001" : "000000"));
    assert.deepEqual(tally(answers), { "401 code_invalid": 4, "410 totp_setup_expired": 16 });
    assert.equal(verdictOf(await confirm(browser, right)), "410 totp_setup_expired");
    assert.equal((await app.storer.load(pidOf(ANN)))?.totpEnabledAt, null);
  });

  it("is over after fifteen minutes", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const secret = await begin(browser);
    app.clock.advance(minutes(15));
    await browser.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" });
    assert.equal(verdictOf(await confirm(browser, await codeOf(app, secret))), "410 totp_setup_expired");
  });

  it("is of one browser session and one user: another's code does not confirm it, nor does it show another's secret", async () => {
    const app = await startApp();
    const [anns, annElsewhere, bobs] = [await typed(app), await typed(app), await typed(app, BOB)];
    const secret = await begin(anns);
    for (const other of [annElsewhere, bobs]) {
      assert.equal(verdictOf(await other.json("GET", CONFIRM)), "410 totp_setup_expired");
      assert.equal(verdictOf(await confirm(other, await codeOf(app, secret))), "410 totp_setup_expired");
    }
    assert.equal(verdictOf(await confirm(anns, await codeOf(app, secret))), "200 factor_added");
  });

  it("is turned on once of twenty right codes at once, and the codes that are shown are those that count", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const code = await codeOf(app, await begin(browser));
    const answers = await parallel(20, () => confirm(browser, code));
    const added = answers.filter((one) => verdictOf(one) === "200 factor_added");
    assert.equal(added.length, 1);
    assert.equal(await app.gate.twofactor.recoveryCodesLeft(pidOf(ANN)), 10);
    assert.equal((await app.storer.load(pidOf(ANN)))?.epoch, 1);
  });

  it("W23: is refused while one is on, and shows no secret then", async () => {
    const app = await startApp();
    const { browser, secret } = await enrol(app);
    for (const path of [SETUP, CONFIRM]) {
      const page = await browser.json("GET", path);
      assert.equal(verdictOf(page), "409 totp_set_up");
      assert.equal(page.text.includes(secret), false);
      assert.equal(verdictOf(await browser.json("POST", path, { code: "123456" })), "409 totp_set_up");
    }
  });

  it("W23: wants a sign-in of the last fifteen minutes", async () => {
    const app = await startApp();
    const browser = await typed(app);
    app.clock.advance(minutes(16));
    assert.equal(verdictOf(await browser.json("POST", SETUP, {})), "403 recent_login_required");
    assert.equal(verdictOf(await browser.json("GET", CONFIRM)), "403 recent_login_required");
  });

  it("takes an array, an object, nothing and the wrong content type for no code, and spends no try", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const secret = await begin(browser);
    for (const code of [["123456"], { code: "1" }, null, "", 123456]) assert.equal((await confirm(browser, code)).status, 422);
    const [waiting] = app.storer.dump().challenges;
    assert.equal(waiting?.triesLeft, 5);
    assert.equal(verdictOf(await confirm(browser, await codeOf(app, secret))), "200 factor_added");
  });

  it("leaves the secret nowhere: not at rest, not in the log, not on any page", async () => {
    const app = await startApp();
    const browser = await typed(app);
    const secret = await begin(browser);
    assert.equal(atRest(app).includes(secret), false);
    const added = await confirm(browser, await codeOf(app, secret));
    const answers = [
      added,
      ...(await Promise.all(["/auth/2fa", "/auth/2fa/totp/remove", "/auth/2fa/totp/validate"].map((path) => browser.json("GET", path)))),
    ];
    for (const text of [atRest(app), JSON.stringify(app.log), ...answers.map((one) => one.text)])
      assert.equal(text.includes(secret), false);
    assert.equal(await whoIsFull(browser), ANN);
  });

  it("can be forced at the next sign-in, and lets in then", async () => {
    const app = await startApp({ twofactor: { required: true } });
    const browser = app.browser();
    const page = await (await browser.get("/auth/login?redir=%2Ffull")).page
      .form("/auth/login")
      .submit({ email: ANN, password: "correct horse battery staple" });
    const setup = await page.page.link("Authenticator app").follow();
    await setup.page.form(SETUP).submit({});
    assert.equal(await whoIsFull(browser), "nobody");
    const { secret } = told(await browser.json("GET", CONFIRM));
    const added = await (await browser.get(CONFIRM)).page.form(CONFIRM).submit({ code: await codeOf(app, String(secret)) });
    assert.equal((await added.page.link("I have kept them").follow()).text, `full ${ANN}`);
  });
});
