/** Has people prove that the mailbox they named is theirs. @module */
import {
  type ConfirmableUser,
  type ConfirmOperations,
  type Context,
  type Core,
  confirmable,
  type Duration,
  days,
  defineChannel,
  defineModule,
  finishRecovery,
  hours,
  login,
  type MailQueueOperations,
  type Module,
  mailQueueing,
  minutes,
  type Needs,
  page,
  type Reply,
  rank,
  redirect,
  refuse,
  refuseFields,
  register,
  showOn,
  subjectOfUser,
  textField,
  type User,
} from "@castellan/core";
import type { RequestHandler } from "express";
import { confirmMail, confirmView, resendView, sentView, takenMail } from "./pages.ts";
import { confirmTexts } from "./texts.ts";

export { confirmMail, confirmView, resendView, sentView, takenMail } from "./pages.ts";

export interface ConfirmOptions {
  /**
   * `"block"`: nobody gets in without a confirmed address. `"allow-limited"`: everybody does, and the application says by `gate.confirm.middleware()` where a confirmed address is needed.
   * @default "block"
   */
  readonly policy?: "block" | "allow-limited";
  /** How long a link works. @default hours(24) */
  readonly lasts?: Duration;
  /** Whether choosing a new password by a mailed link confirms the address too, which it proves. @default false */
  readonly byRecovery?: boolean;
  /** Where a confirmed person is sent: a path of the application. @default the login page */
  readonly afterConfirm?: string;
}

const DEFAULTS = { policy: "block", lasts: hours(24), byRecovery: false } as const satisfies Omit<Required<ConfirmOptions>, "afterConfirm">;

/** An address was confirmed by its link. */
export const confirmChannel = defineChannel<{ readonly pid: string; readonly ctx: Context | null }>("confirm");

export interface ConfirmApi {
  /** Mails a new link to the user's address, whatever the limits; the older one is void. Does nothing for a user without an address. */
  send(user: User): Promise<void>;
  isConfirmed(user: ConfirmableUser): boolean;
  /** Middleware: turns away a signed-in user whose address is not confirmed; lets everybody else pass, strangers too. */
  middleware(): RequestHandler;
}

export type ConfirmModuleStorer = Needs<ConfirmableUser, ConfirmOperations & MailQueueOperations>;

const PATH = "/confirm";
const RESEND = "/confirm/resend";
const PURPOSE = "confirm";

/** The module: GET and POST `/confirm` and `/confirm/resend`. */
export function confirm(options: ConfirmOptions = {}): Module<ConfirmModuleStorer, ConfirmApi> {
  return defineModule({
    name: "confirm",
    requires: [confirmable, mailQueueing],
    reasons: ["confirmation_sent", "not_confirmed", "confirmed", "email_required"],
    texts: confirmTexts,
    start: (core: Core<ConfirmModuleStorer>) => start(core, { ...DEFAULTS, afterConfirm: core.path("/login"), ...options }),
  });
}

function start(core: Core<ConfirmModuleStorer>, { policy, lasts, byRecovery, afterConfirm }: Required<ConfirmOptions>): ConfirmApi {
  const { storer, clock, identifier } = core;
  const fields = { login: textField({ name: identifier.field, label: identifier.label, type: identifier.type, autocomplete: "username" }) };
  const byNetwork = core.limit("network", "network", 20, hours(1));
  const soon = core.limit("destination", "destination", 1, minutes(5));
  const daily = core.limit("destination/day", "destination", 5, days(1));
  const notices = core.limit("taken", "destination", 1, hours(1));
  const blocks = policy === "block";

  const isConfirmed = ({ confirmedAt }: ConfirmableUser): boolean => confirmedAt !== null;

  const mailTo = async (user: User | null, ctx: Context | null): Promise<void> => {
    const to = user && core.mailbox(user);
    const { url, row } =
      user && to ? core.links.make(user, PATH, PURPOSE, to.address, lasts) : core.links.makeForNobody(PATH, PURPOSE, "", lasts);
    await storer.startConfirmation(row);
    await core.mail(confirmMail, { link: url }, to, ctx);
  };

  // Registration -----------------------------------------------------------------------------------------------------

  core
    .on(register)
    .before("guard", ({ login: name, profile }) =>
      (identifier.address(name) ?? profile["email"]) ? null : refuseFields([{ field: "email", reason: "email_required" }]),
    );
  /** A registration for the same login counts along: whoever has just got a link need not hear that there is an account. */
  const mayTell = async (user: User): Promise<boolean> => (await core.use(notices, subjectOfUser(user).key)).admitted;

  core.on(register).after("record", async ({ user, ctx }) => {
    // Whoever made the account may know the mailbox already, by a provider that vouches for it. The user was loaded by this storer, and core has checked its fields.
    if (isConfirmed(user as ConfirmableUser)) return;
    if (blocks) await mayTell(user);
    await mailTo(user, ctx);
  });
  if (blocks) {
    core.provesMail({
      // A client that shows no page wants a word.
      answer: (ctx) => (ctx.json ? redirect(core.path("/login"), { reason: "confirmation_sent" }) : page(sentView, {})),
      async taken(user, ctx) {
        const to = (await mayTell(user)) ? core.mailbox(user) : null;
        // The work of a registration that went through. A link that the owner waits for stays.
        await storer.startConfirmation(core.links.makeForNobody(PATH, PURPOSE, "", lasts).row);
        await core.mail(takenMail, {}, to, ctx);
      },
    });
  }

  // Signing in -------------------------------------------------------------------------------------------------------

  core.on(login).before(
    "guard",
    async ({ user }) => {
      if (!blocks) return null;
      const current = await storer.load(user.pid);
      return current && isConfirmed(current) ? null : page(sentView, {}, { status: 403, reason: "not_confirmed" });
    },
    { rank: rank.confirmed },
  );
  if (byRecovery) {
    core.on(finishRecovery).after("record", async ({ user, address }) => {
      await storer.confirmUser(user.pid, address, clock.now());
    });
  }

  // The link ---------------------------------------------------------------------------------------------------------

  core.route("GET", PATH, (ctx) => core.links.land(ctx, PATH) ?? page(confirmView, { token: core.links.text(ctx, PATH) }));

  core.route("POST", PATH, async (ctx): Promise<Reply> => {
    const proof = core.links.proof(ctx, PATH, PURPOSE);
    core.links.forget(ctx);
    const done = proof && (await storer.finishConfirmation(proof, clock.now()));
    if (!done) return page(confirmView, { token: null }, { status: 410, reason: "link_invalid" });
    await core.emit.after(confirmChannel, { ...done, ctx });
    return redirect(afterConfirm, { reason: "confirmed" });
  });

  core.route("GET", RESEND, () => page(resendView, { fields }));

  core.route("POST", RESEND, async (ctx): Promise<Reply> => {
    const answer = await core.read(fields, ctx);
    if (!answer.ok) return showOn(refuseFields(answer.problems), resendView, { fields }, answer.preserved);
    const admission = await core.use(byNetwork, ctx.network);
    if (!admission.admitted) return showOn(refuse(429, "too_many_attempts", admission), resendView, { fields }, answer.preserved);
    const subject = await core.subject(answer.values.login);
    const may = (await core.use(soon, subject.key)).admitted && (await core.use(daily, subject.key)).admitted;
    // Not loaded again: a known login must not cost more than an unknown one. Whatever this storer finds is a ConfirmableUser, and core has checked it.
    const user = subject.kind === "known" ? (subject.user as ConfirmableUser) : null;
    // The same answer for all: unknown, confirmed, too soon. And the same work, but for who gets a mail.
    if (may) await mailTo(user && !isConfirmed(user) ? user : null, ctx);
    return redirect(core.path("/login"), { reason: "confirmation_sent" });
  });

  return {
    send: (user) => mailTo(user, null),
    isConfirmed,
    middleware: () =>
      core.middleware(async (ctx) => {
        const current = await ctx.current();
        const user = current && (await storer.load(current.user.pid));
        if (!user || isConfirmed(user)) return null;
        return ctx.json ? refuse(403, "not_confirmed") : redirect(core.path(RESEND), { reason: "not_confirmed", flash: "failure" });
      }),
  };
}
