/** Numbers as people write them, and those that are not taken. @module */
import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { App } from "./support.ts";
import { MANY_MESSAGES, problemsOf, setUp, signedIn, startApp, verdictOf } from "./support.ts";

const asked = async (app: App, typed: unknown): Promise<string> => {
  const browser = await signedIn(app);
  const before = app.sender.messages.length;
  const answer = await setUp(browser, typed);
  const sent = app.sender.messages.slice(before).map(({ to }) => to);
  return answer.status === 422 ? problemsOf(answer).join() : `${verdictOf(answer)} ${sent.join()}`;
};

const start = (countries: readonly string[]): Promise<App> => startApp({ sms: { countries }, gate: { limits: MANY_MESSAGES } });

const SENT = "200 sms_sent +41791234567";

describe("a number", () => {
  it("is read as people write it, and kept as E.164", async () => {
    const app = await start(["CH", "DE"]);
    const forms = [
      "+41791234567",
      "+41 79 123 45 67",
      "0041 79 123 45 67",
      "+41-79-123-45-67",
      "+41 (79) 123.45.67",
      "  +41 79 123 45 67  ",
      "\u202a+41\u00a079\u00a0123\u00a045\u00a067\u202c",
      "+41 79\u2011123\u201345\u221267",
      "＋４１７９１２３４５６７",
      "+٤١٧٩١٢٣٤٥٦٧",
      "+۴۱۷۹۱۲۳۴۵۶۷",
    ];
    for (const form of forms) assert.equal(await asked(app, form), SENT, form);
  });

  it("may leave the country code out where there is one country only", async () => {
    assert.equal(await asked(await start(["CH"]), "079 123 45 67"), SENT);
    assert.equal(await asked(await start(["CH", "DE"]), "079 123 45 67"), "phone_number phone_number_invalid");
    assert.equal(await asked(await start(["CH"]), "0049 1512 3456789"), "phone_number phone_number_country");
  });

  it("that is none is refused on its field, whatever it is made of", async () => {
    const app = await start(["CH"]);
    const forms = [
      "+41",
      "+4179",
      "+417912345678901",
      "+".repeat(30),
      "1".repeat(200),
      "call me",
      "+41 79 123 45 67 ext. 5",
      "+41791234567;phone-context=evil",
      "+41791234567,+41787654321",
      "+41791234567\n+41787654321",
      "+41791234567\u2028Bcc: all",
      "tel:+41791234567",
      "+41 79 ONE 45 67",
      "९८७६५४३२१०",
      "+999123456789",
      "' OR 1=1 --",
    ];
    for (const form of forms) assert.equal(await asked(app, form), "phone_number phone_number_invalid", JSON.stringify(form));
    assert.deepEqual(app.sender.messages, []);
  });

  it("that is no text is refused on its field", async () => {
    const app = await start(["CH"]);
    assert.equal(await asked(app, ["+41791234567"]), "phone_number not_text");
    assert.equal(await asked(app, { number: "+41791234567" }), "phone_number not_text");
    assert.equal(await asked(app, 41791234567), "phone_number not_text");
    const twice = [
      ["phone_number", "+41791234567"],
      ["phone_number", "+41787654321"],
    ] as const;
    const browser = await signedIn(app);
    assert.equal((await browser.post("/auth/2fa/sms/setup", twice)).status, 403, "without a token");
    const { page } = await browser.get("/auth/2fa/sms/setup");
    const token = page.form("/auth/2fa/sms/setup").field("_csrf").value ?? "";
    assert.equal((await browser.post("/auth/2fa/sms/setup", [["_csrf", token], ...twice])).status, 422);
    const text = await browser.json(
      "POST",
      "/auth/2fa/sms/setup",
      { phone_number: "+41791234567" },
      { headers: { "content-type": "text/plain" } },
    );
    assert.ok([403, 415].includes(text.status), String(text.status));
    assert.equal(await asked(app, "+41791234567\0"), "phone_number not_text");
    assert.equal(await asked(app, "1".repeat(2000)), "phone_number too_long");
    assert.equal(await asked(app, "   "), "phone_number required");
    assert.deepEqual(app.sender.messages, []);
  });

  it("of another country, or of none, is not taken", async () => {
    const app = await start(["CH", "US"]);
    for (const form of ["+491512 3456789", "+44 7400 123456", "+1 604 555 0123", "+882 16 12345678", "+800 1234 5678", "+979 123456789"]) {
      assert.equal(await asked(app, form), "phone_number phone_number_country", form);
    }
    assert.deepEqual(app.sender.messages, []);
  });

  it("that costs extra, of a fixed line, toll-free or a pager is not taken; where mobile and fixed cannot be told apart it is", async () => {
    const app = await start(["CH", "GB", "US"]);
    for (const form of [
      "+41 900 123 456",
      "+41 44 668 18 00",
      "+41 800 123 456",
      "+44 909 879 0879",
      "+44 20 7946 0018",
      "+44 7640 123456",
      "+44 70 1234 5678",
    ]) {
      assert.equal(await asked(app, form), "phone_number phone_number_kind", form);
    }
    assert.deepEqual(app.sender.messages, []);
    assert.equal(await asked(app, "+1 201 555 0123"), "200 sms_sent +12015550123");
    assert.equal(await asked(app, "+44 7400 123456"), "200 sms_sent +447400123456");
  });

  it("of any country is taken where the application says so; of none, or one that costs extra, still not", async () => {
    const app = await startApp({ sms: { dangerouslyAllowAllCountries: true }, gate: { limits: MANY_MESSAGES } });
    assert.equal(await asked(app, "+491512 3456789"), "200 sms_sent +4915123456789");
    assert.equal(await asked(app, "+882 16 12345678"), "phone_number phone_number_country");
    assert.equal(await asked(app, "+44 909 879 0879"), "phone_number phone_number_kind");
  });
});
