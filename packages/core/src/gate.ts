/** Makes a gate: checks the wiring, puts the engine together, starts the modules. @module */
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { type Capability, meets } from "./capabilities/capability.ts";
import { counting } from "./capabilities/counting.ts";
import { disableable } from "./capabilities/disableable.ts";
import { type ServerStorer, serverStorer } from "./capabilities/server-storer.ts";
import { Bus } from "./channels.ts";
import { coreFor } from "./core.ts";
import { coreReasons, coreTexts } from "./core-texts.ts";
import { attempt } from "./doors/attempt.ts";
import { disable, enable, revoke } from "./doors/logout.ts";
import { changePassword, checkPassword, setPassword } from "./doors/passwords.ts";
import { type Engine, loadedNotifier, userChecker, type WhenNobody } from "./engine.ts";
import { ConfigError, Unavailable } from "./errors.ts";
import { MEMBERS } from "./gate-members.ts";
import type { Description, Gate, GateBase, UserOf } from "./gate-types.ts";
import { Context } from "./http/context.ts";
import { CsrfTokens } from "./http/csrf.ts";
import { takeForm } from "./http/kept-form.ts";
import { KnownBrowsers } from "./http/known-browsers.ts";
import { middleware } from "./http/middleware.ts";
import { hasSecondFactor, type StepUpScreen } from "./http/requirements.ts";
import { Responder } from "./http/responder.ts";
import { Router, Routes, replyToError, withStatus } from "./http/router.ts";
import { KeyRing } from "./keys.ts";
import { type Limit, Limiter, memoryCounts } from "./limits.ts";
import { redacting } from "./logger.ts";
import type { MailView } from "./mail/mail-view.ts";
import { postOffice } from "./mail/post-office.ts";
import type { Mailbox } from "./messages.ts";
import type { MailProof, Module } from "./module.ts";
import { type GateOptions, type PageData, problemsOf } from "./options.ts";
import { Slots } from "./pages/slots.ts";
import { pageTexts } from "./pages/texts.ts";
import type { Reply } from "./replies.ts";
import { SharedThings } from "./shared.ts";
import { signInKey } from "./sign-ins.ts";
import { subjectOfUser } from "./subjects.ts";
import { translator } from "./texts.ts";
import { days, minutes } from "./time.ts";
import { tokenMaker } from "./tokens.ts";
import type { User } from "./users.ts";

const DEFAULTS = {
  mount: "/auth",
  lifetime: { idle: days(14), absolute: days(30), refresh: minutes(1) },
  sweepEvery: minutes(10),
  locales: ["en"],
  cookiePrefix: "castellan",
} as const;

const SWEEP_LIMIT = 10_000;

/**
 * Makes a gate with every seam given by hand; `castellan()` of the package `castellan` fills them with defaults.
 * Throws a {@link ConfigError} that lists everything that is wrong.
 */
export function createCastellan<S extends ServerStorer, const M extends Readonly<Record<string, Module<NoInfer<S>>>>>(
  options: GateOptions<S, M>,
): Gate<UserOf<S>, M> {
  const problems = problemsOf(options ?? {}, MEMBERS);
  if (problems.length > 0) throw new ConfigError(problems);
  return assemble(options);
}

/** Whether the client went away while it was still sending. */
const hungUp = (error: unknown, req: Request): boolean =>
  req.readableAborted && error instanceof Error && "code" in error && error.code === "ECONNRESET";

function assemble<S extends ServerStorer, const M extends Readonly<Record<string, Module<NoInfer<S>>>>>(
  options: GateOptions<S, M>,
): Gate<UserOf<S>, M> {
  type U = UserOf<S>;
  const { modules, clock, random, renderer, mailer } = options;
  // `UserOf` reads this very parameter off `S`.
  const storer = options.storer as ServerStorer as ServerStorer<U>;
  const mount = options.mount ?? DEFAULTS.mount;
  const root = new URL(options.rootUrl);
  const rootUrl = root.origin + root.pathname.replace(/\/$/, "");
  const secure = root.protocol === "https:";
  const keys = new KeyRing(options.keys, random);
  const logger = redacting(options.logger);
  const lifetime = { ...DEFAULTS.lifetime, ...options.lifetime };
  const prefix = `${secure ? "__Host-" : ""}${options.cookiePrefix ?? DEFAULTS.cookiePrefix}-`;
  const cookieName = (name: string): string => prefix + name;
  const asked = Object.values(modules).flatMap(({ requires }) => requires);
  // Core itself looks at `disabledAt` wherever users can be disabled.
  const capabilities: readonly Capability[] = [...new Set([serverStorer, ...(meets(storer, disableable) ? [disableable] : []), ...asked])];
  const bus = new Bus((error, channel) => logger.error(`a handler of the channel "${channel}" failed; the request went on`, { error }));
  const moduleList = Object.fromEntries(Object.keys(modules).map((name) => [name, true as const]));

  const limits = new Map<string, Limit>();
  const declareLimit = (limit: Limit): Limit => {
    const own = { ...limit, ...options.limits?.[limit.name] };
    limits.set(own.name, own);
    return own;
  };
  const secondFactors = new Map<string, (user: User) => boolean>();
  const screens: StepUpScreen[] = [];
  const shared = new SharedThings();
  const nobody: WhenNobody[] = [];
  const { mail } = options;
  const applicationName = options.applicationName ?? root.hostname;
  let isReady = false;
  const mails = postOffice({ mail, mailer, storer, keys, random, clock, logger, isReady: () => isReady });
  const warnings = new Set<string>();
  const warnOnce = (message: string): void => {
    if (!warnings.has(message)) logger.warn(message);
    warnings.add(message);
  };
  const ended = async (id: string): Promise<void> => {
    await storer.endSignIn(signInKey(id));
  };
  const setup = { cookieName: cookieName("sid"), secure, lifetime: lifetime.absolute, development: options.development ?? false };

  const engine: Engine<U> = {
    storer,
    clock,
    random,
    keys,
    logger,
    bus,
    lifetime,
    secure,
    cookieName,
    secondFactors,
    screens,
    mails,
    browsers: new KnownBrowsers(keys, random),
    whenNobody: nobody,
    tokens: tokenMaker(random),
    csrfTokens: new CsrfTokens(keys, random),
    hasher: options.hasher,
    passwordPolicy: options.passwordPolicy,
    identifier: options.identifier,
    sessions: options.sessions.start({ ...setup, storer, random, clock, logger, ended }),
    keep: options.keep ?? [],
    warnOnce,
    limiter: new Limiter(meets(storer, counting) ? storer : memoryCounts(), clock),
    limits: {
      attemptByNetwork: declareLimit({ name: "attempt/network", by: "network", max: 50, per: minutes(15) }),
      attemptBySubject: declareLimit({ name: "attempt/subject", by: "subject", max: 10, per: minutes(15) }),
    },
    texts: Object.assign({}, pageTexts, coreTexts, ...Object.values(modules).map(({ texts }) => texts)),
    localize: options.localize ?? null,
    locales: options.locales ?? DEFAULTS.locales,
    words: [applicationName, root.hostname, ...(options.words ?? [])].filter((word) => word !== ""),
    checkUser: userChecker(capabilities),
    loaded: loadedNotifier(bus),
  };

  // Requests ---------------------------------------------------------------------------------------------------------

  const routes = new Routes();
  const slots = new Slots();
  const providers: PageData[] = [];
  const pageData = async ({ req }: Context<User>): Promise<Readonly<Record<string, unknown>>> =>
    Object.assign({}, ...(await Promise.all(providers.map((provide) => provide(req)))));
  const responder = new Responder({ renderer, prefix: rootUrl.slice(root.origin.length), mount, modules: moduleList, slots, pageData });
  const origins = new Set([root.origin, ...(options.origins ?? [])]);
  const tokenLayer = !options.dangerouslyDisableCsrfTokens;

  // Each gate has a place of its own on a request, so that several can serve one process.
  const place: unique symbol = Symbol("castellan");
  type Carrier = Request & { [place]?: Context<U> };
  const contextOf = (req: Carrier, res: Response): Context<U> => {
    req[place] ??= new Context(engine, req, res);
    return req[place];
  };
  const contextFrom = (req: Request): Context<U> => {
    if (!req.res) throw new Error("this needs a request of Express");
    return contextOf(req, req.res);
  };

  const respond = (ctx: Context<U>, reply: Reply): Promise<void> => responder.send(ctx, reply);
  const failed = async (error: unknown, ctx: Context<U>, next: NextFunction): Promise<void> => {
    // Nothing of ours failed, and a line for each would let anybody fill the log.
    if (hungUp(error, ctx.req)) return void ctx.res.destroy();
    logger.error("a request failed", { method: ctx.req.method, path: ctx.req.path, error });
    if (options.errors === "next") return next(withStatus(error));
    if (ctx.res.headersSent) return void ctx.res.destroy();
    ctx.forgetSession();
    ctx.becomes(null);
    try {
      await respond(ctx, replyToError(error));
    } catch (second) {
      logger.error("the page for an error could not be shown", { error: second });
      if (ctx.res.headersSent) return void ctx.res.destroy();
      const plain = { status: "failure", reason: "unavailable" };
      if (ctx.json) ctx.res.status(503).json(plain);
      else ctx.res.status(503).type("text").send("Service unavailable");
    }
  };

  let readiness: Promise<void> | undefined;
  const ready = (): Promise<void> => {
    readiness ??= (async () => {
      await storer.ready?.();
      isReady = true;
    })().catch((error: unknown) => {
      // The next request tries again: a database that was away may be back.
      readiness = undefined;
      throw error instanceof ConfigError ? error : new Unavailable("the storer is not ready", { cause: error });
    });
    return readiness;
  };
  const whenReady = (): Promise<void> | undefined => (isReady ? undefined : ready());

  const router = new Router({
    mount,
    origins,
    routes,
    assets: renderer.assets ?? {},
    ready: async () => whenReady(),
    contextOf,
    tokenLayer,
    // Every context of this gate comes from `contextOf` above.
    respond: (ctx, reply) => respond(ctx as Context<U>, reply),
    failed: (error, ctx, next) => failed(error, ctx as Context<U>, next),
  });
  const {
    clientState,
    csrf,
    require,
    mustBe,
    of: ownMiddleware,
  } = middleware({
    engine,
    loginPath: `${mount}/login`,
    mount,
    origins,
    tokenLayer,
    takesForeign: (req) => routes.takesForeign(req, mount),
    contextOf,
    ready: whenReady,
    respond,
    failed,
  });

  const sendMail = <Data>(view: MailView<Data>, data: Data, to: Mailbox | null, ctx: Context | null): Promise<void> => {
    const locale = ctx?.locale ?? engine.locales[0];
    return mails.send(view, data, to, { t: translator(engine.texts, engine.localize, locale), locale, applicationName });
  };

  // Modules ----------------------------------------------------------------------------------------------------------

  let proof: MailProof | null = null;
  const mailProof = {
    get: () => proof,
    set: (given: MailProof) => {
      proof = given;
    },
  };
  const linkRoot = mail?.rootUrl ?? rootUrl + mount;
  const services: Record<string, unknown> = {};
  const misfits: string[] = [];
  for (const [name, module] of Object.entries(modules)) {
    const settings = {
      engine,
      storer: options.storer,
      routes,
      mount,
      linkRoot,
      routeRoot: rootUrl + mount,
      slots,
      declareLimit,
      contextOf: contextFrom,
      nobody,
      screens,
      shared,
      sms: options.sms,
      applicationName,
      declareSecondFactor: (method: string, isSetUp: (user: User) => boolean) => {
        secondFactors.set(method, isSetUp);
      },
      sendMail,
      mustBe,
      mailProof,
      middleware: ownMiddleware,
      ready: async () => whenReady(),
      isLoaded: (name: string) => Object.hasOwn(modules, name),
    };
    try {
      services[name] = module.start(coreFor(module.name, settings));
    } catch (error) {
      // The other modules may have something to mend too: people are to hear of it at once.
      if (!(error instanceof ConfigError)) throw error;
      misfits.push(...error.problems);
    }
    const untold = module.reasons.filter((reason) => engine.texts[`reason.${reason}`] === undefined);
    misfits.push(...untold.map((reason) => `module "${name}": the reason "${reason}" has no text "reason.${reason}"`));
  }
  // A module that did not start has not named its limits.
  const allStarted = Object.keys(services).length === Object.keys(modules).length;
  const strangers = Object.keys(options.limits ?? {}).filter((name) => allStarted && !limits.has(name));
  misfits.push(...strangers.map((name) => `\`limits\`: there is no limit "${name}"; there are ${[...limits.keys()].join(", ")}`));
  if (misfits.length > 0) throw new ConfigError(misfits);

  const sweepEvery = options.sweepEvery === undefined ? DEFAULTS.sweepEvery : options.sweepEvery;
  const sweep = async (now: Date = clock.now()): Promise<number> => {
    await whenReady();
    return storer.sweep(now, SWEEP_LIMIT);
  };
  const timer =
    sweepEvery === null
      ? undefined
      : setInterval(() => {
          if (isReady)
            sweep().catch((error: unknown) => logger.warn("expired rows could not be removed; the next round tries again", { error }));
        }, sweepEvery).unref();

  const describe = (): Description => ({
    modules: Object.keys(modules),
    routes: routes.list().map(({ method, path, module }) => `${method} ${path} (${module})`),
    channels: bus.describe(),
    reasons: { core: coreReasons, ...Object.fromEntries(Object.entries(modules).map(([name, { reasons }]) => [name, reasons])) },
    limits: [...limits.values()].map(({ name, by, max, per }) => ({ name, by, max, perSeconds: per / 1000 })),
    limitsShared: meets(storer, counting),
  });

  const base: GateBase<U> = {
    clientState,
    csrf,
    require,
    router: router.handle satisfies RequestHandler,
    user(req) {
      const { admitted } = contextFrom(req);
      if (!admitted)
        throw new Error("gate.user(req) needs gate.require() in front of the handler; without one, ask `await gate.currentUser(req)`");
      return admitted.user;
    },
    currentUser: async (req) => (await contextFrom(req).current())?.user ?? null,
    currentSignIn: async (req) => (await contextFrom(req).current())?.signIn ?? null,
    isFullyAuthed: async (req) => (await contextFrom(req).current())?.signIn.level === "full",
    async isTwoFactored(req) {
      const current = await contextFrom(req).current();
      return current !== null && hasSecondFactor(engine, current);
    },
    session: (req) => contextFrom(req).openSession(),
    csrfToken: (req) => contextFrom(req).csrfToken(),
    flash: (req) => contextFrom(req).takeFlash(),
    preserved: (req) => takeForm(contextFrom(req)),
    pageData(provide) {
      providers.push(provide);
    },
    async verifyPassword(pid, password, req) {
      await whenReady();
      const user = await storer.load(pid);
      if (!user) return false;
      engine.checkUser(user);
      const subject = subjectOfUser(user);
      return (
        "ok" in (await attempt(engine, req ? contextFrom(req) : null, subject, "password", () => checkPassword(engine, subject, password)))
      );
    },
    async changePassword(pid, passwords, req) {
      await whenReady();
      return changePassword(engine, req ? contextFrom(req) : null, pid, passwords);
    },
    async updatePassword(pid, password) {
      await whenReady();
      return setPassword(engine, pid, password);
    },
    async signIns(pid) {
      await whenReady();
      return storer.listSignIns(pid, clock.now());
    },
    async endSignIns(pid, which) {
      await whenReady();
      return revoke(engine, pid, which === "all" || "id" in which ? which : { exceptThatOf: contextFrom(which.exceptThatOf) });
    },
    async disable(pid) {
      await whenReady();
      return disable(engine, pid);
    },
    async enable(pid) {
      await whenReady();
      return enable(engine, pid);
    },
    async deliverMails() {
      await whenReady();
      return mails.deliver();
    },
    email: (own) => mails.sendOwn(own),
    on: (channel) => bus.on(channel, "application"),
    describe,
    ready,
    sweep,
    async close() {
      clearInterval(timer);
      await mails.close();
      await Promise.all([options.hasher.close?.(), mailer.close?.(), options.sms.close?.(), engine.sessions.close?.()]);
      await storer.close?.();
    },
  };
  // Each service came from the module of its name, which is what `Gate` says.
  return Object.assign(base, services) as Gate<U, M>;
}
