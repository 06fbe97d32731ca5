/** What a handler answers with. Only the responder turns it into bytes. @module */
import type { Problem, View } from "./pages/view.ts";

export interface PageReply {
  readonly kind: "page";
  readonly view: View<never>;
  readonly data: object;
  readonly status: number;
  readonly reason: string | null;
  readonly problems: readonly Problem[];
  /** Values to show again. Never holds a secret. */
  readonly values: Readonly<Record<string, string>>;
  readonly retryAfter: number | null;
}

export interface RedirectReply {
  readonly kind: "redirect";
  /** A path of the application, as the application sees it. */
  readonly to: string;
  /** Shown as a message on the next page, or given to a JSON client. */
  readonly reason: string | null;
  readonly flash: "success" | "failure" | null;
}

/** Turned away, on a plain page of its own unless the handler shows it on a form. */
export interface RefusalReply {
  readonly kind: "refusal";
  readonly status: number;
  readonly reason: string;
  /** In seconds (RFC 9110, 10.2.3). */
  readonly retryAfter: number | null;
  /** What is wrong with which field, with status 422. */
  readonly problems: readonly Problem[];
  /** Sent as Allow (RFC 9110, 10.2.1), with status 405. */
  readonly allow: readonly string[] | null;
  /** A path of the application where a JSON client finds what is missing; a browser is redirected instead. */
  readonly location: string | null;
}

/** Sends the browser to another site, which the application has chosen. */
export interface LeaveReply {
  readonly kind: "leave";
  /** An absolute address. */
  readonly to: string;
  /** What people know the other site as. */
  readonly name: string;
  readonly status: 200;
  /** It needs no word. */
  readonly reason: null;
}

export type Reply = PageReply | RedirectReply | RefusalReply | LeaveReply;

export interface PageOptions {
  /** @default 200 */
  readonly status?: number;
  readonly reason?: string;
  readonly problems?: readonly Problem[];
  readonly values?: Readonly<Record<string, string>>;
  readonly retryAfter?: number;
}

/** Shows a page. */
export const page = <Data extends object>(view: View<Data>, data: NoInfer<Data>, options: PageOptions = {}): PageReply => ({
  kind: "page",
  // The view gets the very data that stands beside it, which the parameters have checked.
  view: view as View<never>,
  data,
  status: options.status ?? 200,
  reason: options.reason ?? null,
  problems: options.problems ?? [],
  values: options.values ?? {},
  retryAfter: options.retryAfter ?? null,
});

/** Sends the browser on with 303 (RFC 9110, 15.4.4); a JSON client gets 200 and the location. */
export const redirect = (
  to: string,
  options: { readonly reason?: string; readonly flash?: "success" | "failure" } = {},
): RedirectReply => ({
  kind: "redirect",
  to,
  reason: options.reason ?? null,
  flash: options.reason === undefined ? null : (options.flash ?? "success"),
});

/**
 * Sends the browser to another site: to `endpoint` and nowhere else, with whatever query `to` has. Answered by a page that goes on by itself (a `Refresh` of no seconds, and a link), since browsers would
 * hold a redirect after a form against the form's own Content-Security-Policy, and whatever the other site redirects to as well; a JSON client gets the address.
 */
export function leave(to: URL, endpoint: URL, name: string): LeaveReply {
  const isThere = to.origin === endpoint.origin && to.pathname === endpoint.pathname && to.username === "" && to.password === "";
  if (!isThere || (to.protocol !== "https:" && to.protocol !== "http:"))
    throw new TypeError(`${to.origin}${to.pathname} is not where ${name} is`);
  return { kind: "leave", to: to.href, name, status: 200, reason: null };
}

/** Turns away with a status and a reason. */
export const refuse = (
  status: number,
  reason: string,
  options: {
    readonly retryAfter?: number;
    readonly allow?: readonly string[];
    readonly problems?: readonly Problem[];
    readonly location?: string;
  } = {},
): RefusalReply => ({
  kind: "refusal",
  status,
  reason,
  retryAfter: options.retryAfter ?? null,
  allow: options.allow ?? null,
  problems: options.problems ?? [],
  location: options.location ?? null,
});

/** Turns away what does not fit, field by field (422). */
export const refuseFields = (problems: readonly Problem[]): RefusalReply => refuse(422, "invalid_fields", { problems });

/** Shows a refusal on the form that it answers; any other reply stays what it is. */
export const showOn = <Data extends object>(
  reply: Reply,
  view: View<Data>,
  data: NoInfer<Data>,
  values: Readonly<Record<string, string>> = {},
): Reply => {
  if (reply.kind !== "refusal") return reply;
  const { status, reason, problems, retryAfter } = reply;
  return page(view, data, { status, reason, problems, values, ...(retryAfter !== null && { retryAfter }) });
};
