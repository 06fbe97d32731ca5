/** Asks people to agree to the terms of use. @module */
import {
  type Context,
  type Core,
  type Current,
  defineCapability,
  defineChannel,
  defineModule,
  defineView,
  html,
  login,
  type Module,
  type Needs,
  nullableDate,
  page,
  type Reply,
  redirect,
  refuse,
  type Texts,
  type User,
  type View,
} from "@castellan/core";
import type { Request } from "express";

export interface AgreeingUser extends User {
  /** When the user agreed; `null` for not yet. */
  readonly agreedAt: Date | null;
}

export interface AgreeOperations {
  /** Notes that the user agrees, in one step; the first time counts. Answers whether this was it. */
  agree(pid: string, now: Date): Promise<boolean>;
}

export type AgreeingServerStorer = Needs<AgreeingUser, AgreeOperations>;

export const agreeing = defineCapability<AgreeingUser, AgreeOperations>("agreeing", {
  user: { agreedAt: nullableDate },
  operations: { agree: true },
});

/** Somebody agreed. Only `notify`. */
export const agree = defineChannel<{ readonly user: User; readonly ctx: Context }>("agree");

export interface TermsOptions {
  /** Where the terms can be read: a path of the application. */
  readonly terms: string;
  /** Where agreeing leads when no page was wanted. @default "/" */
  readonly afterAgree?: string;
}

const DEFAULTS = { afterAgree: "/" };

export interface TermsApi {
  /** Whether whoever is signed in has agreed. Asks the storer, not the sign-in: it may have been in another browser. */
  hasAgreed(req: Request): Promise<boolean>;
}

const texts: Texts = {
  "terms.title": "Terms of use",
  "terms.read": "Read the terms",
  "terms.submit": "I agree",
  "reason.agreed": "Thank you.",
};

export const termsView: View<{ readonly terms: string }> = defineView("terms/form", {
  title: "terms.title",
  body: ({ terms }, { t, form }) => html`<p><a href="${terms}">${t("terms.read")}</a></p>
${form({ action: "/terms", fields: {}, submit: "terms.submit" })}`,
});

/** The module: GET and POST `/terms`. */
export function terms(options: TermsOptions): Module<AgreeingServerStorer, TermsApi> {
  const settings = { ...DEFAULTS, ...options };
  return defineModule({
    name: "terms",
    requires: [agreeing],
    reasons: ["agreed"],
    texts,
    start: (core: Core<AgreeingServerStorer>) => start(core, settings),
  });
}

function start(core: Core<AgreeingServerStorer>, settings: Required<TermsOptions>): TermsApi {
  const signedIn = async (ctx: Context, then: (current: Current) => Reply | Promise<Reply>): Promise<Reply> => {
    const current = await ctx.current();
    return current ? then(current) : refuse(401, "login_required");
  };

  core.route("GET", "/terms", (ctx) => signedIn(ctx, () => page(termsView, { terms: settings.terms })));

  core.route("POST", "/terms", (ctx) =>
    signedIn(ctx, async ({ user }) => {
      // A second click is no second agreement, so that nobody is told twice.
      if (await core.storer.agree(user.pid, core.clock.now())) await core.emit.after(agree, { user, ctx });
      return redirect(ctx.redir ?? settings.afterAgree, { reason: "agreed" });
    }),
  );

  core.on(login).after("notify", async ({ user }) => {
    const known = await core.storer.load(user.pid);
    if (known?.agreedAt === null) core.logger.info("somebody signed in who has not agreed to the terms", { pid: user.pid });
  });

  return {
    async hasAgreed(req) {
      const current = await core.contextOf(req).current();
      const user = current && (await core.storer.load(current.user.pid));
      return user !== null && user.agreedAt !== null;
    },
  };
}
