/** Gives each module its view of the engine. @module */
import type { Request } from "express";
import type { ServerStorer } from "./capabilities/server-storer.ts";
import type { Channel } from "./channels.ts";
import { attempt } from "./doors/attempt.ts";
import { completeChallenge, LOGIN, makeChallenge, pendingLogin, pendLogin, withChallenge } from "./doors/challenge.ts";
import { establishHalf, login } from "./doors/login.ts";
import { logout } from "./doors/logout.ts";
import { changePassword, checkPassword, problemOfPassword } from "./doors/passwords.ts";
import type { Intent, Outcome } from "./doors/proof.ts";
import { stepUp } from "./doors/step-up.ts";
import type { Engine } from "./engine.ts";
import type { Context } from "./http/context.ts";
import { readFields } from "./http/fields.ts";
import type { Routes } from "./http/router.ts";
import type { Limit } from "./limits.ts";
import type { Core } from "./module.ts";
import { type Reply, redirect } from "./replies.ts";
import { findSubject } from "./subjects.ts";
import type { User } from "./users.ts";

export interface CoreSettings<S extends ServerStorer> {
  readonly engine: Engine;
  readonly storer: S;
  readonly routes: Routes;
  readonly mount: string;
  readonly rootUrl: string;
  readonly declareLimit: (limit: Limit) => Limit;
  readonly declareSecondFactor: (method: string) => void;
  readonly contextOf: (req: Request) => Context;
  readonly ready: () => Promise<void>;
  readonly isLoaded: (name: string) => boolean;
}

const signedIn = { reason: "signed_in" } as const;

/** Where a sign-in leads. */
const whereTo = (outcome: Outcome<unknown>, { to }: Intent): Reply => ("refused" in outcome ? outcome.refused : redirect(to, signedIn));

export function coreFor<S extends ServerStorer>(module: string, settings: CoreSettings<S>): Core<S> {
  const { engine, storer, routes, mount, rootUrl, declareLimit, declareSecondFactor, contextOf } = settings;
  const { clock, random, keys, tokens, hasher, identifier, logger, bus, limiter } = engine;
  return {
    storer,
    clock,
    random,
    keys,
    tokens,
    hasher,
    identifier,
    logger,
    route: (method, path, handler) => routes.add({ method, path, module, handler }),
    path: (path) => mount + path,
    url: (path) => rootUrl + mount + path,
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
    establishHalf: (ctx, proof, intent) => establishHalf(engine, ctx, proof, intent),
    changePassword: (ctx, pid, passwords) => changePassword(engine, ctx, pid, passwords),
    challenges: {
      counts: declareSecondFactor,
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
