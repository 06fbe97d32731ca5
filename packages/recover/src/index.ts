/** A new password by a mailed link. @module */
import {
  type AuthableUser,
  type AuthOperations,
  authable,
  type Context,
  type Core,
  type Duration,
  days,
  defineModule,
  hours,
  type MailedLink,
  type MailQueueOperations,
  type Module,
  mailQueueing,
  meets,
  minutes,
  type Needs,
  page,
  type RecoverableUser,
  type RecoverOperations,
  type Reply,
  recoverable,
  redirect,
  refuse,
  refuseFields,
  secondaryEmails,
  secretField,
  showOn,
  startRecovery,
  subjectOfUser,
  textField,
  type User,
} from "@castellan/core";
import { recoverEndView, recoverMail, recoverView } from "./pages.ts";
import { recoverTexts } from "./texts.ts";

export { type RecoverPageData, recoverEndView, recoverMail, recoverView } from "./pages.ts";

export interface RecoverOptions {
  /** How long a link works; at most a day. @default hours(1) */
  readonly lasts?: Duration;
  /** Whether the person is signed in afterwards, through the same guards and the same second factor as at the login page. @default false */
  readonly signIn?: boolean;
  /** Where a recovery leads with `signIn`: a path of the application. @default "/" */
  readonly afterRecover?: string;
}

const DEFAULTS = { lasts: hours(1), signIn: false, afterRecover: "/" } as const satisfies Required<RecoverOptions>;

export interface RecoverApi {
  /** Mails links to a user, whatever the limits; older ones are void. Answers how many. */
  send(user: User): Promise<number>;
}

export type RecoverModuleStorer = Needs<AuthableUser & RecoverableUser, AuthOperations & RecoverOperations & MailQueueOperations>;

const START = "/recover";
const END = "/recover/end";
const PURPOSE = "recover";

/** The module: GET and POST `/recover` and `/recover/end`. */
export function recover(options: RecoverOptions = {}): Module<RecoverModuleStorer, RecoverApi> {
  const settings = { ...DEFAULTS, ...options };
  if (settings.lasts > days(1)) throw new RangeError("recover: `lasts` must be at most days(1)");
  return defineModule({
    name: "recover",
    requires: [authable, recoverable, mailQueueing],
    reasons: ["recovery_sent", "password_recovered", "password_recovered_signed_in"],
    texts: recoverTexts,
    start: (core: Core<RecoverModuleStorer>) => start(core, settings),
  });
}

function start(core: Core<RecoverModuleStorer>, { lasts, signIn, afterRecover }: Required<RecoverOptions>): RecoverApi {
  const { storer, identifier } = core;
  const fields = { login: textField({ name: identifier.field, label: identifier.label, type: identifier.type, autocomplete: "username" }) };
  const newPassword = {
    password: secretField({ label: "recover.end.password", autocomplete: "new-password" }),
    confirmation: secretField({
      name: "confirm_password",
      label: "recover.end.confirmation",
      autocomplete: "new-password",
      required: false,
    }),
  };
  const byNetwork = core.limit("network", "network", 20, hours(1));
  const soon = core.limit("destination", "destination", 1, minutes(5));
  const daily = core.limit("destination/day", "destination", 5, days(1));
  const guesses = core.limit("link/network", "network", 30, hours(1));

  /** Every address of a user: the primary one, and more where the storer knows of them. */
  const addressesOf = (user: User): readonly string[] => {
    const primary = core.mailbox(user)?.address;
    // The start-up check has seen to the field, core to its kind.
    const more = meets(storer, secondaryEmails) ? (Reflect.get(user, "secondaryEmails") as readonly string[]) : [];
    return [...new Set([...(primary === undefined ? [] : [primary]), ...more])];
  };

  const sendTo = async (user: User | null, ctx: Context | null): Promise<number> => {
    const addresses = user ? addressesOf(user) : [];
    const links: readonly { readonly to: string | null; readonly link: MailedLink }[] =
      user && addresses.length > 0
        ? addresses.map((to) => ({ to, link: core.links.make(user, END, PURPOSE, to, lasts) }))
        : [{ to: null, link: core.links.makeForNobody(END, PURPOSE, "", lasts) }];
    await storer.startRecovery(links.map(({ link }) => link.row));
    // One mail for each address: none of them is told of the others.
    for (const { to, link } of links) {
      await core.mail(recoverMail, { link: link.url, minutes: Math.round(lasts / 60_000) }, to === null ? null : { address: to }, ctx);
    }
    await core.emit.after(startRecovery, { user, ctx });
    return addresses.length;
  };

  core.route("GET", START, () => page(recoverView, { fields }));

  core.route("POST", START, async (ctx): Promise<Reply> => {
    const answer = await core.read(fields, ctx);
    const again = (reply: Reply): Reply => showOn(reply, recoverView, { fields }, answer.preserved);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const admission = await core.use(byNetwork, ctx.network);
    if (!admission.admitted) return again(refuse(429, "too_many_attempts", admission));
    const subject = await core.subject(answer.values.login);
    const may = (await core.use(soon, subject.key)).admitted && (await core.use(daily, subject.key)).admitted;
    // The same answer for all: unknown, known, too soon. And the same work, but for who gets a mail.
    if (may) await sendTo(subject.kind === "known" ? subject.user : null, ctx);
    return redirect(core.path("/login"), { reason: "recovery_sent" });
  });

  // A person at the form repeats the password; a JSON client may leave that out.
  const shownFields = { ...newPassword, confirmation: { ...newPassword.confirmation, required: true } };
  const data = (ctx: Context) => ({ fields: shownFields, token: core.links.text(ctx, END) });

  core.route("GET", END, (ctx) => core.links.land(ctx, END) ?? page(recoverEndView, data(ctx)));

  core.route("POST", END, async (ctx): Promise<Reply> => {
    const answer = await core.read(newPassword, ctx);
    const again = (reply: Reply): Reply => showOn(reply, recoverEndView, data(ctx));
    if (!answer.ok) return again(refuseFields(answer.problems));
    const { password, confirmation } = answer.values;
    // Asked twice on the page; a client that asks once may leave it out.
    if (ctx.body.has("confirm_password") && confirmation !== password) {
      return again(refuseFields([{ field: "confirm_password", reason: "passwords_unequal" }]));
    }
    const admission = await core.use(guesses, ctx.network);
    if (!admission.admitted) return again(refuse(429, "too_many_attempts", admission));
    const outcome = await core.finishReset(ctx, core.links.proof(ctx, END, PURPOSE), password);
    const isDead = "refused" in outcome && outcome.refused.kind === "refusal" && outcome.refused.reason === "link_invalid";
    // Only what is no link of ours was a guess.
    if (!isDead) await core.takeBack(guesses, ctx.network);
    if ("refused" in outcome && !isDead) return again(outcome.refused);
    core.links.forget(ctx);
    if ("refused" in outcome) return showOn(outcome.refused, recoverEndView, { fields: newPassword, token: null });
    return signIn ? enter(ctx, outcome.ok) : redirect(core.path("/login"), { reason: "password_recovered" });
  });

  /** Through the login door: a lock, an unconfirmed address and a second factor still stand. */
  const enter = async (ctx: Context, user: User): Promise<Reply> => {
    const later = redirect(core.path("/login"), { reason: "password_recovered" });
    const verdict = await core.attempt(ctx, subjectOfUser(user), "recover", async () => true);
    // Too many tries: later. Put out: they are told, as at the login page after a right password.
    if ("refused" in verdict) return verdict.refused.kind === "refusal" && verdict.refused.status === 403 ? verdict.refused : later;
    const outcome = await core.signIn(ctx, verdict.ok, { to: afterRecover, remember: false }, "recover");
    return "refused" in outcome ? outcome.refused : redirect(afterRecover, { reason: "password_recovered_signed_in" });
  };

  return { send: (user) => sendTo(user, null) };
}
