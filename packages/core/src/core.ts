/** Gives each module its view of the engine. @module */
import type { Request, RequestHandler } from "express";
import type { ServerStorer } from "./capabilities/server-storer.ts";
import type { Channel } from "./channels.ts";
import { attempt } from "./doors/attempt.ts";
import { completeChallenge, LOGIN, makeChallenge, pendingLogin, pendLogin, withChallenge } from "./doors/challenge.ts";
import { changeFactors } from "./doors/factors.ts";
import { establishHalf, login } from "./doors/login.ts";
import { logout, revoke } from "./doors/logout.ts";
import { changePassword, checkPassword, problemOfPassword } from "./doors/passwords.ts";
import type { Intent, Outcome } from "./doors/proof.ts";
import { finishReset } from "./doors/reset.ts";
import { stepUp } from "./doors/step-up.ts";
import type { Engine, WhenNobody } from "./engine.ts";
import type { RequireOptions } from "./gate-types.ts";
import type { Context } from "./http/context.ts";
import { type FieldSet, readFields } from "./http/fields.ts";
import { forgetLink, takeTokenAway, tokenOfLink } from "./http/landing.ts";
import type { StepUpScreen } from "./http/requirements.ts";
import type { Routes } from "./http/router.ts";
import type { Limit } from "./limits.ts";
import type { MailView } from "./mail/mail-view.ts";
import type { Mailbox, SmsSender } from "./messages.ts";
import type { Core, MailProof } from "./module.ts";
import type { Slots } from "./pages/slots.ts";
import { randomText } from "./random.ts";
import { type Reply, redirect } from "./replies.ts";
import type { SharedThings } from "./shared.ts";
import { findSubject } from "./subjects.ts";
import { after, type Duration } from "./time.ts";
import type { User } from "./users.ts";

export interface CoreSettings<S extends ServerStorer> {
  readonly engine: Engine;
  readonly storer: S;
  readonly routes: Routes;
  readonly mount: string;
  /** What addresses in mails begin with. */
  readonly linkRoot: string;
  /** What absolute addresses of our own routes begin with. */
  readonly routeRoot: string;
  readonly slots: Slots;
  readonly middleware: (work: (ctx: Context) => Promise<Reply | null>) => RequestHandler;
  readonly mustBe: (ctx: Context, options: RequireOptions, fields?: FieldSet) => Promise<Reply | null>;
  readonly mailProof: { get(): MailProof | null; set(proof: MailProof): void };
  readonly declareLimit: (limit: Limit) => Limit;
  readonly declareSecondFactor: (method: string, isSetUp: (user: User) => boolean) => void;
  readonly contextOf: (req: Request) => Context;
  readonly nobody: WhenNobody[];
  readonly screens: StepUpScreen[];
  readonly shared: SharedThings;
  readonly sms: SmsSender;
  readonly applicationName: string;
  readonly sendMail: <Data>(view: MailView<Data>, data: Data, to: Mailbox | null, ctx: Context | null) => Promise<void>;
  readonly ready: () => Promise<void>;
  readonly isLoaded: (name: string) => boolean;
}

const signedIn = { reason: "signed_in" } as const;

/** By the field `email`, which core checks where some module needs it. */
function mailboxOf(user: User): Mailbox | null {
  const address: unknown = Reflect.get(user, "email");
  return typeof address === "string" && address !== "" ? { address } : null;
}

/** Where a sign-in leads. */
const whereTo = (outcome: Outcome<unknown>, { to }: Intent): Reply => ("refused" in outcome ? outcome.refused : redirect(to, signedIn));

export function coreFor<S extends ServerStorer>(module: string, settings: CoreSettings<S>): Core<S> {
  const { engine, storer, routes, mount, declareLimit, declareSecondFactor, contextOf } = settings;
  const { clock, random, keys, tokens, hasher, identifier, logger, bus, limiter } = engine;
  const sendsMail = engine.mails.isOpen;
  const link = (
    of: { readonly pid: string; readonly epoch: number },
    path: string,
    purpose: string,
    destination: string,
    lasts: Duration,
  ) => {
    const { token, ...row } = tokens.make(purpose);
    const now = clock.now();
    const url = `${settings.linkRoot}${path}?${new URLSearchParams({ token })}`;
    return { url, row: { ...row, ...of, destination, createdAt: now, expiresAt: after(now, lasts) } };
  };
  return {
    storer,
    clock,
    random,
    keys,
    tokens,
    hasher,
    identifier,
    logger,
    route: (method, path, handler, { foreign = false } = {}) => routes.add({ method, path, module, handler, foreign }),
    fillSlot: (slot, fill) => settings.slots.add(slot, fill),
    path: (path) => mount + path,
    address: (path) => settings.routeRoot + path,
    url: (path) => settings.linkRoot + path,
    on: (channel) => bus.on(channel, module),
    emit: {
      before: (channel, event) => bus.before(channel, event),
      async after<After>(channel: Channel<unknown, After>, event: After) {
        await bus.record(channel, event);
        await bus.notify(channel, event);
      },
    },
    limit: (what, by, max, per) => declareLimit({ name: `${module}/${what}`, by, max, per }),
    use: (limit, who) => limiter.use(limit, who),
    takeBack: (limit, who) => limiter.takeBack(limit, who),
    contextOf,
    setLifetime(lifetime) {
      engine.lifetime = { ...engine.lifetime, ...lifetime };
    },
    whenNobody: (ask, place = "last") => void settings.nobody[place === "first" ? "unshift" : "push"](ask),
    knownBrowser: (ctx, user) => engine.browsers.idFor(ctx, user.pid),
    tell: async (view, data, user, ctx) => {
      const to = mailboxOf(user);
      if (to && sendsMail) await settings.sendMail(view, data, to, ctx);
    },
    mailbox: mailboxOf,
    sendsMail,
    links: {
      land: (ctx, path) => takeTokenAway(ctx, mount + path),
      text: (ctx, path) => tokenOfLink(ctx, mount + path),
      proof: (ctx, path, purpose) => {
        const token = tokenOfLink(ctx, mount + path);
        return token === null ? null : tokens.parse(purpose, token);
      },
      make: ({ pid, epoch }, path, purpose, destination, lasts) => link({ pid, epoch }, path, purpose, destination, lasts),
      makeForNobody: (path, purpose, destination, lasts) =>
        link({ pid: `nobody-${randomText(random, 16)}`, epoch: 0 }, path, purpose, destination, lasts),
      forget: forgetLink,
    },
    mustBe: (ctx, options, fields) => settings.mustBe(ctx, options, fields),
    stepUpScreen: (screen) => void settings.screens.push(screen),
    shared: (key) => settings.shared.get(key),
    sms: settings.sms,
    applicationName: settings.applicationName,
    provesMail: (proof) => settings.mailProof.set(proof),
    get mailProof() {
      return settings.mailProof.get();
    },
    mail: (view, data, to, ctx) => settings.sendMail(view, data, to, ctx),
    ready: settings.ready,
    isLoaded: settings.isLoaded,
    read: (fields, ctx) => readFields(fields, ctx.body),
    async subject(typed) {
      const subject = await findSubject<User>(storer, keys, identifier, typed);
      if (subject.kind === "known") engine.checkUser(subject.user);
      return subject;
    },
    attempt: (ctx, subject, method, check) => attempt(engine, ctx, subject, method, check),
    checkPassword: (subject, password) => checkPassword(engine, subject, password),
    problemOfPassword: (field, password, typed) => problemOfPassword(engine, field, password, typed),
    login: async (ctx, proof, intent, via) => whereTo(await login(engine, ctx, proof, intent, via), intent),
    signIn: (ctx, proof, intent, via) => login(engine, ctx, proof, intent, via),
    intent: (ctx, otherwise, remember) => ({ to: ctx.redir ?? otherwise, remember }),
    logout: (ctx) => logout(engine, ctx),
    stepUp: (ctx, proof) => stepUp(engine, ctx, proof),
    revoke: (pid, which) => revoke(engine, pid, which),
    establishHalf: (ctx, proof, intent, lasting) => establishHalf(engine, ctx, proof, intent, lasting),
    middleware: (work) => settings.middleware(work),
    finishReset: (ctx, proof, to) => finishReset(engine, ctx, proof, to),
    changePassword: (ctx, pid, passwords) => changePassword(engine, ctx, pid, passwords),
    changeFactors: (ctx, change) => changeFactors(engine, ctx, change),
    challenges: {
      counts: declareSecondFactor,
      hasFactor: (user) => [...engine.secondFactors.values()].some((isSetUp) => isSetUp(user)),
      pend: (event, path, limits) => pendLogin(engine, event, mount + path, limits),
      pending: (ctx) => pendingLogin(engine, ctx),
      tryPending: (ctx) => pendingLogin(engine, ctx, "admitTry"),
      async complete(ctx, proof) {
        const outcome = await completeChallenge(engine, ctx, proof);
        return "refused" in outcome ? outcome.refused : whereTo(outcome, outcome.ok.intent);
      },
      make(ctx, challenge) {
        // A challenge of that purpose is a pending login, which only `pend` makes.
        if (challenge.purpose === LOGIN) throw new TypeError(`the purpose "${LOGIN}" is core's own: choose another`);
        return makeChallenge(engine, ctx, challenge);
      },
      find: (ctx, purpose) => withChallenge(engine, ctx, purpose, "findChallenge"),
      admitTry: (ctx, purpose) => withChallenge(engine, ctx, purpose, "admitTry"),
      consume: (ctx, purpose) => withChallenge(engine, ctx, purpose, "consumeChallenge"),
    },
  };
}
