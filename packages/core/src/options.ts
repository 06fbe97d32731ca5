/** What an application says when it makes a gate, and the check of it. @module */
import type { Request } from "express";
import { parseAddress } from "./addresses.ts";
import { type Capability, meets, missingFrom } from "./capabilities/capability.ts";
import { counting } from "./capabilities/counting.ts";
import { mailQueueing } from "./capabilities/mail-queueing.ts";
import { type ServerStorer, serverStorer } from "./capabilities/server-storer.ts";
import type { PasswordHasher } from "./hasher.ts";
import type { SessionAdapter } from "./http/sessions.ts";
import type { Identifier } from "./identifier.ts";
import { problemsOfKeys } from "./keys.ts";
import type { LimitOptions } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { MailOverrides } from "./mail/mail-view.ts";
import type { Mailbox, Mailer, SmsSender } from "./messages.ts";
import type { Module } from "./module.ts";
import type { Renderer } from "./pages/view.ts";
import type { PasswordPolicy } from "./passwords.ts";
import type { Random } from "./random.ts";
import type { SignInLifetime } from "./sign-ins.ts";
import type { Localize } from "./texts.ts";
import { type Clock, type Duration, isDuration } from "./time.ts";

/** Lets `rootUrl` begin with `http:` outside development: passwords and cookies then travel in the clear. */
export const allowPlainHttp: unique symbol = Symbol("castellan.allowPlainHttp");

export interface MailOptions {
  /** Sender of every mail. */
  readonly from: Mailbox;
  /** In front of every subject. @default "" */
  readonly subjectPrefix?: string;
  /** Other texts for single mails, by name. @default none */
  readonly overrides?: MailOverrides;
  /** Where mailed links lead, for a separate front end: takes the place of `rootUrl` and `mount`. @default `rootUrl` + `mount` */
  readonly rootUrl?: string;
  /** How often the queue is looked at, beside right after a mail was put into it; `null` for never (then call `gate.deliverMails()`). @default seconds(15) */
  readonly every?: Duration | null;
}

export type Modules<S extends ServerStorer> = Readonly<Record<string, Module<S>>>;

export interface GateOptions<S extends ServerStorer, M> {
  /** Origin (and prefix, where a proxy strips one) that people see, for example `https://app.example.com`. Links in mails are made from it. */
  readonly rootUrl: string;
  /** Where the application mounts `gate.router`. `""` for the root. @default "/auth" */
  readonly mount?: string;
  /** The key ring: the first key seals and signs, all of them open. Each at least 32 random bytes. */
  readonly keys: readonly string[];
  readonly storer: S;
  readonly sessions: SessionAdapter;
  readonly modules: M;
  readonly hasher: PasswordHasher;
  readonly passwordPolicy: PasswordPolicy;
  readonly renderer: Renderer;
  readonly identifier: Identifier;
  readonly mailer: Mailer;
  readonly sms: SmsSender;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly mail?: MailOptions;
  /** What the application is called, on pages and in mails. @default the host of `rootUrl` */
  readonly applicationName?: string;
  /** Words that make poor passwords, beside the application's name and host. @default [] */
  readonly words?: readonly string[];
  /** How long a sign-in lasts. @default idle 14 days, absolute 30 days, refreshed at most once a minute */
  readonly lifetime?: Partial<SignInLifetime>;
  /** Session keys of the application that survive sign-in and sign-out, for example `["cart"]`. @default [] */
  readonly keep?: readonly string[];
  /** Figures of limits, by name; see `docs/limits.md`. @default those of the table */
  readonly limits?: LimitOptions;
  /** Other origins whose pages may send requests here, for example a separate front end. @default [] */
  readonly origins?: readonly string[];
  /** Prefix of the names of all cookies; two gates on one host need two. @default "castellan" */
  readonly cookiePrefix?: string;
  /** Locales that the application has texts for, the default one first. @default ["en"] */
  readonly locales?: readonly [string, ...string[]];
  readonly localize?: Localize;
  /** Switches on what is fit only for development: plain HTTP on loopback, memory sessions, the outbox. @default false */
  readonly development?: boolean;
  /** What happens to an error on our own routes: `"respond"` shows a plain page or JSON and logs it; `"next"` passes it to the application's error handler. @default "respond" */
  readonly errors?: "respond" | "next";
  /** How often expired rows are removed; `null` for never (then call `gate.sweep()`). @default minutes(10) */
  readonly sweepEvery?: Duration | null;
  /** Leaves only the check of the origin (layer 1) against forged requests. @default false */
  readonly dangerouslyDisableCsrfTokens?: boolean;
  readonly [allowPlainHttp]?: boolean;
}

/** What `gate.pageData` takes. */
export type PageData = (req: Request) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;

/** The seams that must be filled, with the member that tells whether something was put there. */
const SEAMS = {
  hasher: "verify",
  passwordPolicy: "check",
  renderer: "render",
  identifier: "normalize",
  mailer: "send",
  sms: "send",
  logger: "error",
  clock: "now",
  random: "bytes",
  sessions: "start",
} as const;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$|\.localhost$/;

/** The longest delay of Node's timers; they would run a longer one at once, and again and again. */
const LONGEST_TIMER = 2 ** 31 - 1;

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const isTextList = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === "string");

const memberOf = (value: unknown, name: string): unknown => (isObject(value) ? Reflect.get(value, name) : undefined);

function problemsOfUrl(options: GateOptions<ServerStorer, unknown>): string[] {
  const { rootUrl, mount = "/auth", development, origins = [] } = options;
  const problems: string[] = [];
  const url = typeof rootUrl === "string" && URL.canParse(rootUrl) ? new URL(rootUrl) : null;
  if (!url || !/^https?:$/.test(url.protocol))
    problems.push("`rootUrl` must be the address that people see, for example https://app.example.com");
  else if (url.search || url.hash || url.username || url.password)
    problems.push("`rootUrl` must not have a query, a fragment, a user name or a password");
  else if (url.protocol === "http:" && !options[allowPlainHttp] && !(development && LOOPBACK.test(url.hostname))) {
    problems.push(
      "`rootUrl` must begin with https: (http: passes only with `development: true` on localhost, or with [allowPlainHttp]: true, a name to import from castellan)",
    );
  }
  if (typeof mount !== "string" || !/^(\/[\w.~-]+)*$/.test(mount))
    problems.push('`mount` must begin with a slash and not end with one, for example "/auth"; "" is the root');
  if (!Array.isArray(origins)) problems.push('`origins` must be a list, for example ["https://front.example.com"]');
  for (const origin of Array.isArray(origins) ? origins : []) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin || !/^https?:/.test(origin))
      problems.push(`\`origins\`: "${origin}" is not an origin; write it as https://host or https://host:port`);
  }
  return problems;
}

const isCapability = (value: unknown): value is Capability =>
  typeof memberOf(value, "name") === "string" && isObject(memberOf(value, "user")) && Array.isArray(memberOf(value, "operations"));

function isModule(value: unknown): value is Module {
  const requires = memberOf(value, "requires");
  return (
    typeof memberOf(value, "name") === "string" &&
    typeof memberOf(value, "start") === "function" &&
    Array.isArray(memberOf(value, "reasons")) &&
    Array.isArray(requires) &&
    requires.every(isCapability)
  );
}

function problemsOfModules(storer: unknown, modules: unknown, reserved: ReadonlySet<string>, sendsMail: boolean): string[] {
  if (!isObject(modules) || Array.isArray(modules)) return ["`modules` must be an object of modules, for example { auth: auth() }"];
  const problems: string[] = [];
  const present = new Set(Object.values(modules).map((module) => memberOf(module, "name")));
  for (const [name, module] of Object.entries(modules)) {
    if (reserved.has(name)) problems.push(`\`modules.${name}\`: the gate has a member of that name; choose another one`);
    if (!isModule(module)) {
      problems.push(`\`modules.${name}\` is not a module: call its function, for example ${name}: ${name}()`);
      continue;
    }
    if (!sendsMail && module.requires.some((capability) => capability.name === mailQueueing.name)) {
      problems.push(
        `module "${name}" sends mails: say who they come from, for example mail: { from: { address: "no-reply@example.com" } }`,
      );
    }
    for (const needed of module.needs ?? []) {
      if (!present.has(needed)) problems.push(`module "${name}" needs the module "${needed}": add it, for example ${needed}: ${needed}()`);
    }
    // Without a storer there is one thing to mend, not a list of all that it does not do.
    if (!isObject(storer)) continue;
    for (const capability of module.requires) {
      for (const problem of missingFrom(storer, capability)) problems.push(`module "${name}": ${problem}, or leave the module out`);
    }
  }
  return problems;
}

function problemsOfMail(mail: MailOptions | undefined, mailer: Mailer): string[] {
  if (!mail) return [];
  const problem = memberOf(mailer, "problem");
  const problems: string[] = typeof problem === "string" ? [problem] : [];
  if (mail.rootUrl !== undefined && !/^https?:\/\/[^?#]+[^/?#]$/.test(mail.rootUrl))
    problems.push("`mail.rootUrl` must be an address without a slash at its end");
  if (mail.every != null && !(isDuration(mail.every) && mail.every <= LONGEST_TIMER))
    problems.push("`mail.every` must be a duration of at most 24 days, or null for never");
  return problems;
}

function problemsOfFigures({ lifetime, limits, sweepEvery }: GateOptions<ServerStorer, unknown>): string[] {
  const problems: string[] = [];
  for (const [name, duration] of Object.entries(lifetime ?? {})) {
    if (!isDuration(duration)) problems.push(`\`lifetime.${name}\` must be a duration, for example days(14)`);
  }
  for (const [name, limit] of Object.entries(limits ?? {})) {
    const max = memberOf(limit, "max");
    if (!Number.isSafeInteger(max) || Number(max) < 0 || !isDuration(memberOf(limit, "per")))
      problems.push(`\`limits["${name}"]\` needs a whole number \`max\` and a duration \`per\`, for example { max: 5, per: minutes(15) }`);
  }
  if (sweepEvery != null && !(isDuration(sweepEvery) && sweepEvery <= LONGEST_TIMER))
    problems.push("`sweepEvery` must be a duration of at most 24 days, or null for never");
  return problems;
}

function problemsOfTexts(options: GateOptions<ServerStorer, unknown>): string[] {
  const { cookiePrefix = "castellan", applicationName = "", locales = ["en"], mail } = options;
  const problems: string[] = [];
  if (typeof cookiePrefix !== "string" || !/^[a-z][a-z0-9-]{0,30}$/i.test(cookiePrefix))
    problems.push("`cookiePrefix` must be a letter followed by at most 30 letters, digits and hyphens");
  const sender = memberOf(memberOf(mail, "from"), "address");
  if (mail !== undefined && (typeof sender !== "string" || parseAddress(sender) === null))
    problems.push('`mail.from.address` must be one e-mail address, for example { from: { address: "no-reply@example.com" } }');
  if (typeof applicationName !== "string") problems.push("`applicationName` must be a text");
  if (!isTextList(locales) || locales.length === 0) problems.push('`locales` must be a list of at least one locale, for example ["en"]');
  for (const [name, example] of [
    ["keep", "cart"],
    ["words", "acme"],
  ] as const) {
    if (!isTextList(options[name] ?? [])) problems.push(`\`${name}\` must be a list of texts, for example ["${example}"]`);
  }
  return problems;
}

const NO_SESSIONS = "`sessions` is missing: give for example expressSessions({ secret }), or sealedSessions({ secret })";

/** What was given in the place of a storer is one problem, and not a list of all that it does not do. */
function problemOfStorer(storer: unknown): string | null {
  if (typeof storer === "string") return "`storer` is missing, and an address is none: open it, for example await openStorer(address)";
  if (!isObject(storer)) return "`storer` is missing: give the adapter of your database, for example await sqlite(file)";
  return typeof memberOf(storer, "then") === "function" ? "`storer` is a promise: wait for it, for example await sqlite(file)" : null;
}

/** Everything that is wrong with the options, each with its mend: the same that the compiler finds in TypeScript, and what only values show. */
export function problemsOf(options: GateOptions<ServerStorer, unknown>, reserved: ReadonlySet<string>): string[] {
  const { storer, modules, sessions } = options;
  const problems = [...problemsOfKeys("keys", options.keys), ...problemsOfUrl(options)];
  for (const [seam, member] of Object.entries(SEAMS)) {
    if (typeof memberOf(memberOf(options, seam), member) !== "function")
      problems.push(seam === "sessions" ? NO_SESSIONS : `\`${seam}\` is missing: give one with the function \`${member}\``);
  }
  const noStorer = problemOfStorer(storer);
  problems.push(
    ...(noStorer === null ? missingFrom(storer, serverStorer) : [noStorer]),
    ...problemsOfModules(noStorer === null ? storer : null, modules, reserved, options.mail !== undefined),
    ...problemsOfFigures(options),
    ...problemsOfTexts(options),
    ...problemsOfMail(options.mail, options.mailer),
  );
  if (noStorer === null && typeof memberOf(sessions, "problems") === "function") {
    problems.push(...sessions.problems({ development: options.development ?? false, storer }));
  }
  return problems;
}

/** Whether limits are counted by the storer, so that they hold over all processes. */
export const countsInStorer = (storer: ServerStorer): boolean => meets(storer, counting);
