/** A module whose routes show what handlers may answer and read, for the tests of core. @module */
import { type Core, defineModule, defineView, html, page, redirect, refuse, refuseFields, textField } from "@castellan/core";
import { z } from "zod";
import type { TestModule } from "./doors.ts";
import type { DoorStorer } from "./storers.ts";

const partsView = defineView<{ readonly heading: string }>("parts/show", {
  title: "parts.title",
  body: ({ heading }, { page: added }) => html`<p>${heading}</p><p>${String(added["heading"])}</p>`,
});

const fields = {
  code: textField({ label: "parts.code", schema: z.string().regex(/^\d+$/, "digits only").min(2, "two at least").max(4, "four at most") }),
  comment: textField({ label: "parts.comment", required: false }),
};

export const parts = (): TestModule =>
  defineModule<DoorStorer, object>({
    name: "parts",
    requires: [],
    reasons: ["parts_done", "parts_failed"],
    texts: { "reason.parts_done": "Done.", "reason.parts_failed": "Not done." },
    start(core: Core<DoorStorer>) {
      core.route("GET", "/parts", () => page(partsView, { heading: "of the handler" }, { status: 202, reason: "parts_done" }));
      core.route("POST", "/parts", (ctx) => redirect(ctx.redir ?? "/done", { reason: `parts_done` }));
      core.route("DELETE", "/parts", (ctx) => redirect(ctx.redir ?? "/again", { reason: "parts_failed", flash: "failure" }));
      core.route("POST", "/parts/elsewhere", () => redirect("/elsewhere"));
      core.route("POST", "/parts/problems", () => refuseFields([{ field: "", reason: "invalid" }]));
      core.route("POST", "/parts/fields", async (ctx) => {
        const answer = await core.read(fields, ctx);
        return answer.ok ? redirect(`/took/${answer.values.code}/${answer.values.comment ?? ""}`) : refuseFields(answer.problems);
      });
      core.route("POST", "/parts/throws", () => {
        throw new Error("the wheel came off");
      });
      core.route("GET", "/parts/state", async (ctx) => {
        const [session, cookie] = [await ctx.session.get("colour"), ctx.cookies.get("shape")];
        return redirect(`/state/${String(session)}/${String(cookie)}`);
      });
      core.route("POST", "/parts/state", async (ctx) => {
        await ctx.session.put("colour", "red");
        await ctx.session.put("colour", "blue");
        await ctx.session.put("gone", "x");
        await ctx.session.delete("gone");
        ctx.cookies.put("shape", "square");
        ctx.cookies.put("shape", "round");
        const now = [await ctx.session.get("colour"), await ctx.session.get("gone"), ctx.cookies.get("shape")];
        return now.join() === "blue,,round" ? redirect("/") : refuse(500, "internal_error");
      });
      return {};
    },
  });
