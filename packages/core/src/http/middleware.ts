/** The middleware that an application puts before its own routes. @module */
import type { NextFunction, Request, RequestHandler, Response } from "express";
import type { Engine } from "../engine.ts";
import type { RequireOptions } from "../gate-types.ts";
import { type Reply, redirect, refuse } from "../replies.ts";
import type { User } from "../users.ts";
import type { Context } from "./context.ts";
import { isSafe, provenance } from "./csrf.ts";
import { checkDemand } from "./demand.ts";
import { type FieldSet, preservedOf } from "./fields.ts";
import { keepForm, pathOf } from "./kept-form.ts";
import { isJson } from "./negotiation.ts";
import { safeTarget } from "./redirects.ts";
import { lackOf, screenFor } from "./requirements.ts";

export interface MiddlewareSettings<U extends User> {
  readonly engine: Engine<U>;
  /** The login page as the application sees it. */
  readonly loginPath: string;
  readonly mount: string;
  readonly origins: ReadonlySet<string>;
  readonly tokenLayer: boolean;
  /** Whether pages of other sites may post what is posted here. */
  readonly takesForeign: (req: Request) => boolean;
  readonly contextOf: (req: Request, res: Response) => Context<U>;
  readonly ready: () => Promise<void> | undefined;
  readonly respond: (ctx: Context<U>, reply: Reply) => Promise<void>;
  readonly failed: (error: unknown, ctx: Context<U>, next: NextFunction) => Promise<void>;
}

export interface Middleware {
  clientState(): RequestHandler;
  csrf(): RequestHandler;
  require(options?: RequireOptions): RequestHandler;
  /** The same question for a handler of a module. `fields` are those of the form at the same path. */
  mustBe(ctx: Context, options: RequireOptions, fields?: FieldSet): Promise<Reply | null>;
  /** For a module's own middleware. */
  of(work: (ctx: Context) => Promise<Reply | null>): RequestHandler;
}

export function middleware<U extends User>(settings: MiddlewareSettings<U>): Middleware {
  const { engine, contextOf, respond, failed, origins } = settings;

  function csrfToken(this: Request): string {
    if (!this.res) throw new Error("req.csrfToken() needs Express: the request has no response");
    return contextOf(this, this.res).csrfToken();
  }

  /** Runs `work`; goes on to the next handler when it answers nothing. */
  const run = async (req: Request, res: Response, next: NextFunction, work: (ctx: Context<U>) => Promise<Reply | null>): Promise<void> => {
    const ctx = contextOf(req, res);
    try {
      const reply = await work(ctx);
      if (reply) await respond(ctx, reply);
      else next();
    } catch (error) {
      await failed(error, ctx, next);
    }
  };

  const mustBe = async (ctx: Context, options: RequireOptions, fields?: FieldSet): Promise<Reply | null> => {
    const waiting = settings.ready();
    if (waiting) await waiting;
    const current = await ctx.current();
    const lack = lackOf(engine, current, options);
    if (lack === null) return null;
    const { respond: how = "redirect", form } = options;
    if (how === "notFound") return refuse(404, "not_found");
    const screen = screenFor(engine, current, lack);
    const path = screen === null ? settings.loginPath : settings.mount + screen;
    if (how === "unauthorized" || ctx.json) return refuse(current ? 403 : 401, lack.reason, current ? { location: path } : {});
    // A page can be asked for again; of what was posted only the form is shown again, and nothing is replayed.
    const target = safeTarget(isSafe(ctx.req.method) ? ctx.req.originalUrl : fields ? pathOf(ctx.req.originalUrl) : form?.at);
    if (current && target !== null && !isSafe(ctx.req.method)) {
      const values = fields ? preservedOf(fields, ctx.body) : keptOf(ctx.req, form?.preserve ?? []);
      keepForm(ctx, pathOf(target), current.user.pid, values);
    }
    return redirect(withRedir(path, target), { reason: lack.reason, flash: "failure" });
  };

  /** The first requests wait for the storer, where sessions may be kept. A stranger need not suffer from a database that is away. */
  async function attachAfter(waiting: Promise<void>, req: Request, res: Response): Promise<void> {
    await (contextOf(req, res).hasOurCookie ? waiting : waiting.catch(() => {}));
    await engine.sessions.attach(req, res);
  }

  return {
    clientState: () => (req, res, next) => {
      // Whoever was there first keeps it: another gate, or csurf in an application that still checks its own forms by it.
      req.csrfToken ??= csrfToken;
      const isForeign = !isSafe(req.method) && provenance(req, origins) === "foreign";
      if (isForeign && contextOf(req, res).hasOurCookie && !settings.takesForeign(req)) {
        void run(req, res, next, async () => refuse(403, "csrf_foreign_origin"));
        return;
      }
      const waiting = settings.ready();
      const loading = waiting ? attachAfter(waiting, req, res) : engine.sessions.attach(req, res);
      if (!loading) return next();
      loading.then(() => next()).catch((error: unknown) => failed(error, contextOf(req, res), next));
    },

    csrf: () => (req, res, next) => {
      if (isSafe(req.method)) return next();
      void run(req, res, next, async (ctx) => {
        const from = provenance(req, origins);
        if (from === "foreign") return refuse(403, "csrf_foreign_origin");
        if (!settings.tokenLayer || (isJson(req) && (from === "own" || !ctx.hasOurCookie))) return null;
        const token = req.headers["x-csrf-token"] ?? bodyToken(req);
        if (await ctx.acceptsCsrfToken(token)) return null;
        if (token === undefined && isUnparsedForm(req)) engine.warnOnce(NO_PARSED_BODY);
        return refuse(403, "csrf_token_invalid");
      });
    },

    require(options = {}) {
      checkDemand(options);
      return (req, res, next) =>
        void run(req, res, next, async (ctx) => {
          const reply = await mustBe(ctx, options);
          if (reply) return reply;
          ctx.admitted = await ctx.current();
          // What only this person may see must not be kept by a cache, nor shown to another one.
          res.setHeader("cache-control", "no-store");
          // `vary` parses what is there, which is nothing as a rule.
          if (res.hasHeader("vary")) res.vary("Cookie");
          else res.setHeader("vary", "Cookie");
          return null;
        });
    },

    mustBe,
    of: (work) => (req, res, next) => void run(req, res, next, work),
  };
}

const NO_PARSED_BODY =
  "gate.csrf() refused a form whose body nobody has parsed, so that its token was not seen: put express.urlencoded() in front of gate.csrf()";

const isUnparsedForm = (req: Request): boolean =>
  req.body === undefined && (req.headers["content-type"] ?? "").toLowerCase().startsWith("application/x-www-form-urlencoded");

const bodyToken = (req: Request): unknown => {
  const body: unknown = req.body;
  return typeof body === "object" && body !== null && Object.hasOwn(body, "_csrf") ? Reflect.get(body, "_csrf") : undefined;
};

/** `path` with the way back behind it. */
const withRedir = (path: string, target: string | null): string =>
  target === null ? path : `${path}?${new URLSearchParams({ redir: target })}`;

/** The fields of a body that the application has parsed, as far as they may be kept. */
function keptOf(req: Request, names: readonly string[]): Record<string, string> {
  const body: unknown = req.body;
  if (typeof body !== "object" || body === null) return {};
  const texts = names.map((name) => [name, Object.hasOwn(body, name) ? Reflect.get(body, name) : undefined] as const);
  return Object.fromEntries(texts.filter((pair): pair is readonly [string, string] => typeof pair[1] === "string"));
}
