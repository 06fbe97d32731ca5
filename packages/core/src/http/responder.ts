/** Turns replies into answers, HTML or JSON from the same URL. Handlers only say what is to be answered. @module */
import { formMarkup, problemText } from "../pages/form.ts";
import { html } from "../pages/html.ts";
import type { Filled, Slots } from "../pages/slots.ts";
import { defineView, type PageTools, type Renderer, type View } from "../pages/view.ts";
import { type LeaveReply, type PageReply, page, type RedirectReply, type RefusalReply, type Reply } from "../replies.ts";
import type { Translate } from "../texts.ts";
import type { Context } from "./context.ts";
import { isSafe } from "./csrf.ts";
import { type FieldSet, named } from "./fields.ts";
import { takeForm } from "./kept-form.ts";

const DEFAULT_POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  // Not `no-referrer`: browsers without Fetch Metadata would then send `Origin: null` with our own forms.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // All that could harm, and not `publickey-credentials-*`, which passkeys need.
  "permissions-policy":
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
  "x-frame-options": "DENY",
};

const VARY = "Accept, Accept-Language, Cookie, Origin, Sec-Fetch-Site";

/** The plain page for whoever is turned away without a form to go back to. */
export const refusalView: View<object> = defineView("core/refusal", {
  title: "page.refusal",
  body: (_data, { t, home, problems }) => html`${problems.map((problem) => html`<p class="problem">${problemText(problem, { t })}</p>\n`)}
<p><a href="${home}">${t("refusal.home")}</a></p>`,
});

/** Shown for as long as the other site takes to answer, and where a browser does not go on by itself. */
export const leaveView: View<Pick<LeaveReply, "to" | "name">> = defineView("core/leave", {
  title: "page.leave",
  body: ({ to, name }, { t }) => html`<p><a href="${to}">${t("leave.go_on", { name })}</a></p>`,
});

export interface ResponderSettings {
  readonly renderer: Renderer;
  /** Prefix of public paths: what a proxy strips, from `rootUrl`. */
  readonly prefix: string;
  readonly mount: string;
  readonly modules: Readonly<Record<string, true>>;
  readonly slots: Slots;
  readonly pageData: (ctx: Context) => Promise<Readonly<Record<string, unknown>>>;
}

export class Responder {
  readonly #settings: ResponderSettings;

  constructor(settings: ResponderSettings) {
    this.#settings = settings;
  }

  async send(ctx: Context, reply: Reply): Promise<void> {
    await ctx.saveSession();
    for (const [name, value] of [...Object.entries(SAFE_HEADERS), ...ctx.headers]) ctx.res.setHeader(name, value);
    ctx.res.removeHeader("x-powered-by");
    // What the application's answers vary by, ours may too.
    ctx.res.vary(VARY);
    if (reply.kind === "redirect") return this.#redirect(ctx, reply);
    if (reply.kind === "leave") return this.#leave(ctx, reply);
    if (reply.kind === "refusal" && reply.status === 204) return sendNothing(ctx, reply);
    const shown = reply.kind === "page" ? await this.#withKept(ctx, reply) : asPage(reply, this.#locationOf(reply));
    if (reply.kind === "refusal" && reply.allow) ctx.res.setHeader("allow", reply.allow.join(", "));
    if (shown.retryAfter !== null) ctx.res.setHeader("retry-after", String(shown.retryAfter));
    return ctx.json ? this.#json(ctx, shown) : this.#page(ctx, shown);
  }

  /** A form that somebody comes back to shows what they had typed. */
  async #withKept(ctx: Context, reply: PageReply): Promise<PageReply> {
    if (reply.problems.length > 0 || Object.keys(reply.values).length > 0 || !isSafe(ctx.req.method)) return reply;
    return { ...reply, values: await takeForm(ctx) };
  }

  #locationOf({ location }: RefusalReply): string | null {
    return location === null ? null : this.publicPath(location);
  }

  /** The public path of an application path: with the prefix that a proxy strips. */
  publicPath(path: string): string {
    return this.#settings.prefix + path;
  }

  #redirect(ctx: Context, { to, reason, flash }: RedirectReply): void {
    const location = this.publicPath(to);
    if (ctx.json) {
      const message = reason === null ? {} : { reason, message: ctx.t(`reason.${reason}`) };
      const status = flash === "failure" ? "failure" : "success";
      sendText(ctx, 200, "application/json", JSON.stringify({ status, ...message, location, csrfToken: ctx.csrfToken() }));
      return;
    }
    if (reason !== null && flash !== null) ctx.leaveFlash(flash, reason);
    ctx.res.setHeader("location", location);
    sendText(ctx, 303, "text/plain", "");
  }

  #leave(ctx: Context, { to, name }: LeaveReply): void | Promise<void> {
    if (ctx.json)
      return sendText(ctx, 200, "application/json", JSON.stringify({ status: "success", location: to, csrfToken: ctx.csrfToken() }));
    ctx.res.setHeader("refresh", `0; url=${to}`);
    return this.#page(ctx, page(leaveView, { to, name }));
  }

  async #json(ctx: Context, { view, data, status, reason, problems, values }: PageReply): Promise<void> {
    const { t } = ctx;
    const fills = await this.#settings.slots.fillsFor(ctx, view.slots);
    const answer = {
      // In front, so that what the application adds never takes the place of what the suite has to say.
      ...(await this.#settings.pageData(ctx)),
      status: status < 400 ? "success" : "failure",
      ...(reason !== null && { reason, message: t(`reason.${reason}`) }),
      ...(problems.length > 0 && {
        problems: problems.map((problem) => ({ message: t(`reason.${problem.reason}`, problem.parameters), ...problem })),
      }),
      ...(Object.keys(values).length > 0 && { values }),
      ...Object.fromEntries(fills.map((fill) => [fill.name, fill.data])),
      ...describeFields(data, t),
      modules: this.#settings.modules,
      csrfToken: ctx.csrfToken(),
    };
    sendText(ctx, status, "application/json", JSON.stringify(answer));
  }

  async #page(ctx: Context, reply: PageReply): Promise<void> {
    const { renderer } = this.#settings;
    const fills = await this.#settings.slots.fillsFor(ctx, reply.view.slots);
    const tools = await this.#tools(ctx, reply, fills);
    const markup = await renderer.render(reply.view, reply.data as never, tools); // the view and its data were paired by `page()`
    ctx.res.setHeader("content-security-policy", renderer.contentSecurityPolicy ?? DEFAULT_POLICY);
    sendText(ctx, reply.status, "text/html", markup);
  }

  async #tools(ctx: Context, { status, reason, problems, values }: PageReply, fills: readonly Filled[]): Promise<PageTools> {
    const { mount, modules, pageData } = this.#settings;
    const { t, locale, redir } = ctx;
    const url = (path: string): string => this.publicPath(mount + path);
    const takeAlong = redir === null ? "" : `?${new URLSearchParams({ redir })}`;
    const csrfToken = ctx.csrfToken();
    const tools: PageTools = {
      t,
      locale,
      url,
      home: this.publicPath("/"),
      csrfToken,
      reason,
      failed: status >= 400,
      problems,
      // A page with something to say itself leaves the message for the next one.
      flash: reason === null ? ctx.takeFlash() : null,
      values,
      redir,
      modules,
      signedIn: await ctx.current().then(Boolean, () => false),
      page: await pageData(ctx),
      form: (form) => formMarkup(form, { t, url, csrfToken, problems, values, redir }),
      link: (path, textKey, parameters) => html`<a href="${url(path) + takeAlong}">${t(textKey, parameters)}</a>`,
      slot: (slot) => html`${fills.filter((fill) => fill.slot === slot).map((fill) => fill.body(tools))}`,
    };
    return tools;
  }
}

function sendNothing({ res }: Context, { allow }: RefusalReply): void {
  if (allow) res.setHeader("allow", allow.join(", "));
  res.statusCode = 204;
  res.end();
}

/** What a JSON client needs to know to draw the form that a page shows. */
function describeFields(data: object, t: Translate): object {
  const fields: unknown = Reflect.get(data, "fields");
  if (fields === undefined) return data;
  // By convention `fields` of a page's data is the set of fields of its form.
  const described = named(fields as FieldSet).map(([name, { kind, label, autocomplete, ...field }]) => [
    name,
    { kind, label: t(label), autocomplete, required: "required" in field && field.required },
  ]);
  return { ...data, fields: Object.fromEntries(described) };
}

const asPage = ({ status, reason, problems, retryAfter }: RefusalReply, location: string | null): PageReply => ({
  kind: "page",
  view: refusalView,
  data: location === null ? {} : { location },
  status,
  reason,
  problems,
  values: {},
  retryAfter,
});

function sendText({ res }: Context, status: number, type: string, text: string): void {
  res.statusCode = status;
  res.setHeader("content-type", `${type}; charset=utf-8`);
  res.setHeader("content-length", Buffer.byteLength(text));
  res.end(text);
}
