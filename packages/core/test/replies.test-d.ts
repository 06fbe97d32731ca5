/** What a handler, a page, a field and a proof must be. One mistake each. @module */
import {
  type Answer,
  type Context,
  type Core,
  type Duration,
  defineView,
  flagField,
  type Handler,
  type Html,
  html,
  type Intent,
  minutes,
  type Proof,
  page,
  redirect,
  secretField,
  showOn,
  textField,
  type User,
  type ValuesOf,
} from "@castellan/core";
import { expectTypeOf } from "vitest";
import { z } from "zod";

declare const core: Core;
declare const ctx: Context;
declare const intent: Intent;

// Handlers -------------------------------------------------------------------------------------------------------------

core.route("GET", "/x", () => redirect("/"));
core.route("POST", "/x", async () => redirect("/"));
// @ts-expect-error: a handler answers
core.route("GET", "/x", () => {});
// @ts-expect-error: a handler answers on every path
core.route("GET", "/x", ({ json }) => {
  if (json) return redirect("/");
});
// @ts-expect-error: a handler answers with a reply, not with text
core.route("GET", "/x", () => "hello");
// @ts-expect-error: nothing but the responder answers by `res`
core.route("GET", "/x", ({ res }) => res.send("hello"));
// @ts-expect-error: pages are not put
core.route("PUT", "/x", () => redirect("/"));
expectTypeOf<Handler>().parameter(0).toEqualTypeOf<Context>();

// Pages ----------------------------------------------------------------------------------------------------------------

const view = defineView<{ readonly name: string; readonly age?: number }>("things/show", {
  title: "things.title",
  body: ({ name }) => html`${name}`,
});

page(view, { name: "Ann" });
page(view, { name: "Ann", age: 7 }, { status: 422 });
// @ts-expect-error: the view shows a name
page(view, {});
// @ts-expect-error: the name is a text
page(view, { name: 5 });
// @ts-expect-error: the view knows nothing of a surname
page(view, { name: "Ann", surname: "Smith" });
// @ts-expect-error: a form for a refusal has the form's data
showOn(redirect("/"), view, { age: 7 });
// @ts-expect-error: a view is a value, not its name
page("things/show", { name: "Ann" });
// @ts-expect-error: markup is made by the tag `html`
defineView<object>("things/show", { title: "x", body: () => "<b>x</b>" });
// @ts-expect-error: whatever looks like markup was not escaped by anybody
const _forged: Html = { markup: "<b>x</b>" };

// Proofs ---------------------------------------------------------------------------------------------------------------

declare const proof: Proof;
core.login(ctx, proof, intent, "test");
const lookalike = { pid: "pid", epoch: 0, method: "password", at: new Date(0) };
// @ts-expect-error: only the door `attempt` makes a proof
core.login(ctx, lookalike, intent, "test");
// @ts-expect-error: a copy of a proof is none
core.login(ctx, { ...proof }, intent, "test");
// @ts-expect-error: a user is no proof of anything
core.login(ctx, { pid: "pid", login: "ann", epoch: 0 } satisfies User, intent, "test");

const verdict = await core.attempt(ctx, await core.subject("ann"), "password", async () => true);
// @ts-expect-error: a verdict may be a refusal
core.login(ctx, verdict, intent, "test");
if ("ok" in verdict) core.login(ctx, verdict.ok, intent, "test");
// @ts-expect-error: a check answers whether it was right
core.attempt(ctx, await core.subject("ann"), "password", async () => "right");

// Fields ---------------------------------------------------------------------------------------------------------------

const fields = {
  login: textField({ label: "x" }),
  nickname: textField({ label: "x", required: false }),
  password: secretField({ label: "x", autocomplete: "current-password" }),
  code: secretField({ label: "x", autocomplete: "one-time-code", required: false }),
  remember: flagField({ label: "x" }),
  checked: textField({ label: "x", schema: z.string().min(3) }),
};
interface Values {
  readonly login: string;
  readonly nickname: string | null;
  readonly password: string;
  readonly code: string | null;
  readonly remember: boolean;
  readonly checked: string;
}
expectTypeOf<ValuesOf<typeof fields>>().toEqualTypeOf<Values>();
expectTypeOf(await core.read(fields, ctx)).toEqualTypeOf<Answer<Values>>();
const answer = await core.read(fields, ctx);
// @ts-expect-error: there are values only when nothing is wrong
answer.values;
// @ts-expect-error: what one types is text, and stays text
textField({ label: "x", schema: z.number() });
// @ts-expect-error: a password manager must be told what a secret is
secretField({ label: "x" });
// @ts-expect-error: secrets are never shown again
secretField({ label: "x", autocomplete: "current-password", preserve: true });

// Time -----------------------------------------------------------------------------------------------------------------

core.limit("x", "network", 5, minutes(5));
// @ts-expect-error: five what?
core.limit("x", "network", 5, 5);
// @ts-expect-error: a number has no unit
const _idle: Duration = 60_000;
