/** The suite's own routes: exact paths below the mount, the same under every version of Express. @module */
import type { NextFunction, Request, Response } from "express";
import { ConfigError, Unavailable } from "../errors.ts";
import { type Reply, refuse } from "../replies.ts";
import { readBody } from "./body.ts";
import type { Context } from "./context.ts";
import { isSafe, provenance } from "./csrf.ts";
import { isJson } from "./negotiation.ts";

export type Method = "GET" | "POST" | "DELETE";
export type Handler<C extends Context = Context> = (ctx: C) => Reply | Promise<Reply>;

export interface Route {
  readonly method: Method;
  /** Below the mount, for example `/login`. */
  readonly path: string;
  readonly module: string;
  readonly handler: Handler;
  /** Whether pages of other sites may post here: see {@link RouteTraits}. */
  readonly foreign: boolean;
}

export interface RouteTraits {
  /**
   * Pages of other sites may post here, without our token. Such a handler must change nothing and believe nothing; it can only answer by a redirect to a GET, where the browser brings its cookies.
   * @default false
   */
  readonly foreign?: boolean;
}

export class Routes {
  readonly #byPath = new Map<string, Map<string, Route>>();

  add(route: Route): void {
    const known = this.#byPath.get(route.path) ?? new Map<string, Route>();
    const other = known.get(route.method);
    if (other) {
      throw new ConfigError([
        `${route.method} ${route.path} is claimed by both "${other.module}" and "${route.module}": leave one of them out`,
      ]);
    }
    this.#byPath.set(route.path, known.set(route.method, route));
  }

  at(path: string): ReadonlyMap<string, Route> | null {
    return this.#byPath.get(path) ?? null;
  }

  /** Whether a request of the application's own stack is for a route that pages of other sites may post to. */
  takesForeign({ method, originalUrl }: Request, mount: string): boolean {
    if (!originalUrl.startsWith(`${mount}/`)) return false;
    const path = originalUrl.slice(mount.length).replace(/[?#].*$/s, "");
    return this.at(path)?.get(method)?.foreign === true;
  }

  list(): Route[] {
    return [...this.#byPath.values()].flatMap((methods) => [...methods.values()]);
  }
}

/** HEAD is answered as GET without a body (RFC 9110, 9.3.2). */
const allowedBy = (methods: ReadonlyMap<string, Route>): string[] =>
  [...methods.keys(), ...(methods.has("GET") ? ["HEAD"] : []), "OPTIONS"].sort();

const pathOf = (req: Request): string => {
  const end = req.url.indexOf("?");
  return end < 0 ? req.url : req.url.slice(0, end);
};

export interface RouterSettings {
  readonly mount: string;
  readonly origins: ReadonlySet<string>;
  readonly routes: Routes;
  readonly assets: Readonly<Record<string, { readonly type: string; readonly body: string }>>;
  readonly ready: () => Promise<void>;
  readonly contextOf: (req: Request, res: Response) => Context;
  readonly tokenLayer: boolean;
  readonly respond: (ctx: Context, reply: Reply) => Promise<void>;
  readonly failed: (error: unknown, ctx: Context, next: NextFunction) => Promise<void>;
}

export class Router {
  readonly #settings: RouterSettings;
  #mountChecked = false;

  constructor(settings: RouterSettings) {
    this.#settings = settings;
  }

  readonly handle = (req: Request, res: Response, next: NextFunction): void => {
    const path = pathOf(req);
    const asset = this.#settings.assets[path];
    const methods = this.#settings.routes.at(path);
    if (asset) sendAsset(req, res, asset);
    else if (methods) void this.#dispatch(req, res, methods, next);
    else next();
  };

  async #dispatch(req: Request, res: Response, methods: ReadonlyMap<string, Route>, next: NextFunction): Promise<void> {
    const ctx = this.#settings.contextOf(req, res);
    try {
      this.#checkMount(req);
      await this.#settings.ready();
      await this.#settings.respond(ctx, await this.#answer(ctx, methods));
    } catch (error) {
      await this.#settings.failed(error, ctx, next);
    }
  }

  async #answer(ctx: Context, methods: ReadonlyMap<string, Route>): Promise<Reply> {
    const { req } = ctx;
    const allow = allowedBy(methods);
    if (req.method === "OPTIONS") return refuse(204, "options", { allow });
    const route = methods.get(req.method === "HEAD" ? "GET" : req.method);
    if (!route) return refuse(405, "method_not_allowed", { allow });
    if (isSafe(req.method)) return route.handler(ctx);
    // Before the body is even read: a foreign page shall not make us work.
    const from = provenance(req, this.#settings.origins);
    if (from === "foreign" && !route.foreign) return refuse(403, "csrf_foreign_origin");
    const answer = await readBody(req);
    if ("fault" in answer) {
      ctx.res.setHeader("connection", "close");
      return refuse(answer.fault.status, answer.fault.reason);
    }
    ctx.body = answer.body;
    if (!route.foreign && this.#needsToken(ctx, from === "own") && !(await ctx.acceptsCsrfToken(tokenOf(ctx))))
      return refuse(403, "csrf_token_invalid");
    return route.handler(ctx);
  }

  /** JSON cannot be sent by a foreign form. It passes without a token from our own pages, and from clients that bring no cookie of ours. */
  #needsToken(ctx: Context, fromOwnPage: boolean): boolean {
    if (!this.#settings.tokenLayer) return false;
    return !(isJson(ctx.req) && (fromOwnPage || !ctx.hasOurCookie));
  }

  #checkMount(req: Request): void {
    if (this.#mountChecked) return;
    const { mount } = this.#settings;
    const { baseUrl } = req;
    // Express finds a mount in whatever case it is asked for, unless told otherwise.
    if (baseUrl.toLowerCase() !== mount.toLowerCase()) {
      throw new ConfigError([
        `\`mount\` says "${mount}", but the router is mounted at "${baseUrl || "/"}": say mount: "${baseUrl}", or mount it with app.use("${mount || "/"}", gate.router). ` +
          "If a proxy strips a prefix, put that prefix into rootUrl.",
      ]);
    }
    this.#mountChecked = true;
  }
}

/** From the body or the header only: a token in a URL ends up in logs and in Referer. */
const tokenOf = (ctx: Context): unknown => ctx.req.headers["x-csrf-token"] ?? ctx.body.get("_csrf");

const ASSET_METHODS = ["GET", "HEAD", "OPTIONS"];

function sendAsset(req: Request, res: Response, { type, body }: { readonly type: string; readonly body: string }): void {
  if (req.method !== "GET" && req.method !== "HEAD") {
    res.setHeader("allow", ASSET_METHODS.join(", "));
    res.statusCode = req.method === "OPTIONS" ? 204 : 405;
    res.end();
    return;
  }
  res.setHeader("content-type", type);
  res.setHeader("cache-control", "public, max-age=3600");
  res.setHeader("x-content-type-options", "nosniff");
  res.setHeader("content-length", Buffer.byteLength(body));
  res.end(body);
}

/** Errors that only a mistake in code throws. Everything else is the world's doing: a driver, a network, a disk. */
const isMistake = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError || error instanceof ConfigError;

/** What a visitor is told when something was thrown. */
export function replyToError(error: unknown): Reply {
  if (error instanceof Unavailable) return refuse(503, error.reason, error.retryAfter === null ? {} : { retryAfter: error.retryAfter });
  return isMistake(error) ? refuse(500, "internal_error") : refuse(503, "unavailable");
}

/** For the application's own error handler: what the world did says 503, what happened stands in `cause`. */
export const withStatus = (error: unknown): unknown =>
  error instanceof Unavailable || isMistake(error) ? error : new Unavailable("a request failed", { cause: error });
