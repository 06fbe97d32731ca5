import { defineView, html, page, redirect, refuse, refuseFields, showOn } from "@castellan/core";
import { describe, expect, it } from "vitest";

const view = defineView<{ readonly name: string }>("things/show", { title: "things.title", body: ({ name }) => html`<p>${name}</p>` });

describe("a page", () => {
  it("is right and has nothing to say unless it says so", () => {
    expect(page(view, { name: "Ann" })).toEqual({
      kind: "page",
      view,
      data: { name: "Ann" },
      status: 200,
      reason: null,
      problems: [],
      values: {},
      retryAfter: null,
    });
  });

  it("says what it was told to", () => {
    const problems = [{ field: "name", reason: "required" }];
    const reply = page(view, { name: "" }, { status: 422, reason: "invalid_fields", problems, values: { name: "x" }, retryAfter: 0 });
    expect(reply).toMatchObject({ status: 422, reason: "invalid_fields", problems, values: { name: "x" }, retryAfter: 0 });
  });
});

describe("a redirect", () => {
  it("leaves a message only where there is a reason, and a good one unless said otherwise", () => {
    expect(redirect("/")).toEqual({ kind: "redirect", to: "/", reason: null, flash: null });
    expect(redirect("/", { reason: "signed_in" })).toMatchObject({ reason: "signed_in", flash: "success" });
    expect(redirect("/", { reason: "login_required", flash: "failure" })).toMatchObject({ flash: "failure" });
    expect(redirect("/", { flash: "failure" })).toMatchObject({ reason: null, flash: null });
  });
});

describe("a refusal", () => {
  it("has a status, a reason, and what goes with them", () => {
    expect(refuse(401, "invalid_credentials")).toEqual({
      kind: "refusal",
      status: 401,
      reason: "invalid_credentials",
      retryAfter: null,
      allow: null,
      problems: [],
      location: null,
    });
    expect(refuse(429, "too_many_attempts", { retryAfter: 30 })).toMatchObject({ retryAfter: 30 });
    expect(refuse(405, "method_not_allowed", { allow: ["GET"] })).toMatchObject({ allow: ["GET"] });
  });

  it("of fields is a 422 with their problems", () => {
    const problems = [{ field: "email", reason: "email_invalid" }];
    expect(refuseFields(problems)).toMatchObject({ status: 422, reason: "invalid_fields", problems });
  });
});

describe("a refusal shown on a form", () => {
  it("keeps its status, reason, problems and waiting time, and shows the values again", () => {
    const problems = [{ field: "name", reason: "required" }];
    const shown = showOn(refuse(429, "too_many_attempts", { retryAfter: 30, problems }), view, { name: "Ann" }, { name: "x" });
    expect(shown).toEqual(
      page(view, { name: "Ann" }, { status: 429, reason: "too_many_attempts", problems, values: { name: "x" }, retryAfter: 30 }),
    );
    expect(showOn(refuse(401, "no"), view, { name: "Ann" })).toMatchObject({ kind: "page", status: 401, values: {}, retryAfter: null });
  });

  it("is nothing for other replies: they stay what they are", () => {
    const [elsewhere, other] = [redirect("/"), page(view, { name: "Bob" })];
    expect(showOn(elsewhere, view, { name: "Ann" })).toBe(elsewhere);
    expect(showOn(other, view, { name: "Ann" })).toBe(other);
  });
});
