/**
 * Somebody new whose login may be somebody's already, or whose mailbox nobody has proved: they are led to prove the mailbox or the password. What they came with waits in a row of this browser. @module
 */
import {
  type Context,
  days,
  type FieldSet,
  hours,
  minutes,
  page,
  type Reply,
  redirect,
  refuse,
  refuseFields,
  type Subject,
  sameText,
  secretField,
  showOn,
  textField,
} from "@castellan/core";
import type { Arrivals } from "./arrivals.ts";
import type { Desk, Found } from "./desk.ts";
import { MAIL_LASTS } from "./flows.ts";
import { LINKED, type Linking, METHOD } from "./linking.ts";
import { oauth2ProofMail } from "./mails.ts";
import { type ConnectPageData, oauth2ConnectView, oauth2EndView, oauth2FinishView } from "./pages.ts";

const FINISH = "/oauth2/finish";
const CONNECT = "/oauth2/connect";
const MAIL = "/oauth2/connect/mail";
const END = "/oauth2/connect/end";
/** Purposes of steps that wait, and of the mailed token. */
const NAMING = "naming";
const PROVING = "proving";
const TOKEN = "oauth2/proof";

const PASSWORD = { password: secretField({ label: "field.password", autocomplete: "current-password" }) };

interface Waiting {
  /** Who was signed in here when it began to wait, by pid; `null` for nobody. It is none of the business of somebody else who signs in here. */
  readonly whose: string | null;
}

interface Naming extends Waiting {
  readonly found: Found;
}

interface Proving extends Waiting {
  readonly found: Found;
  /** Whose account it may be: a normalised login. */
  readonly login: string;
  /** The mailed token, hashed; `null` while none was. */
  readonly mailed: string | null;
}

export interface Connecting {
  /** There is an account with this login: is it theirs? */
  ask(ctx: Context, found: Found, login: string): Promise<Reply>;
  /** Whether there is an account or not: first they show that the mailbox is theirs. Nobody else learns which it was. */
  proveMailbox(ctx: Context, found: Found, login: string): Promise<Reply>;
  /** The provider did not say what to call them. */
  askForLogin(ctx: Context, found: Found): Promise<Reply>;
}

const expired = (): Reply => refuse(410, "oauth2_proof_expired");

export function connectingOf(desk: Desk, arrivals: Arrivals, linking: Linking): Connecting {
  const { core, flows, labelOf } = desk;
  const { identifier } = core;
  const byNetwork = core.limit("proof/network", "network", 20, hours(1));
  const soon = core.limit("proof/destination", "destination", 1, minutes(1));
  const daily = core.limit("proof/destination/day", "destination", 10, days(1));
  const isByEmail = identifier.type === "email";
  const canMail = core.sendsMail && isByEmail;

  // A password proves an account where people have passwords.
  const fields = (): FieldSet => (core.isLoaded("auth") ? PASSWORD : {});
  const dataOf = ({ found, login, mailed }: Proving): ConnectPageData => ({
    label: labelOf(found.provider),
    login,
    fields: fields(),
    canMail,
    mailSent: mailed !== null,
  });

  const whoseTurn = async (ctx: Context): Promise<string | null> => (await ctx.current())?.user.pid ?? null;
  const waiting = async <Step extends Waiting>(ctx: Context, purpose: string): Promise<Step | null> => {
    const step = await flows.waiting<Step>(ctx, purpose);
    return step && step.whose === (await whoseTurn(ctx)) ? step : null;
  };

  const send = async (ctx: Context, { found, login }: Pick<Proving, "found" | "login">): Promise<Reply> => {
    for (const [limit, who] of [[byNetwork, ctx.network] as const, [soon, login] as const, [daily, login] as const]) {
      const admission = await core.use(limit, who);
      if (!admission.admitted) return refuse(429, "too_many_attempts", admission);
    }
    const { url, row } = core.links.makeForNobody(END, TOKEN, login, MAIL_LASTS);
    const proving: Proving = { whose: await whoseTurn(ctx), found, login, mailed: `${row.selector}.${row.verifierHash}` };
    await flows.wait(ctx, PROVING, proving, MAIL_LASTS);
    const data = { link: url, provider: labelOf(found.provider), minutes: MAIL_LASTS / minutes(1) };
    await core.mail(oauth2ProofMail, data, { address: login }, ctx);
    return redirect(core.path(CONNECT), { reason: "oauth2_proof_sent" });
  };

  const ask: Connecting["ask"] = async (ctx, found, login) => {
    await flows.wait(ctx, PROVING, { whose: await whoseTurn(ctx), found, login, mailed: null } satisfies Proving, MAIL_LASTS);
    return redirect(core.path(CONNECT), { reason: "oauth2_proof_needed", flash: "failure" });
  };

  const proveMailbox: Connecting["proveMailbox"] = async (ctx, found, login) => {
    if (canMail) return send(ctx, { found, login });
    // Where no mails are sent nothing is proved by any registration.
    const subject = await core.subject(login);
    return subject.kind === "known" ? ask(ctx, found, login) : arrivals.create(ctx, found, login, false);
  };

  // The password -----------------------------------------------------------------------------------------------------

  core.route("GET", CONNECT, async (ctx): Promise<Reply> => {
    const proving = await waiting<Proving>(ctx, PROVING);
    return proving ? page(oauth2ConnectView, dataOf(proving)) : expired();
  });

  core.route("POST", CONNECT, async (ctx): Promise<Reply> => {
    const proving = await waiting<Proving>(ctx, PROVING);
    if (!proving) return expired();
    const again = (reply: Reply): Reply => showOn(reply, oauth2ConnectView, dataOf(proving));
    if (!core.isLoaded("auth")) return refuse(404, "not_found");
    const answer = await core.read(PASSWORD, ctx);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const subject = await core.subject(proving.login);
    const verdict = await core.attempt(ctx, subject, "password", () => core.checkPassword(subject, answer.values.password));
    if ("refused" in verdict) return again(verdict.refused);
    if (subject.kind === "unknown" || !(await flows.takeWaiting(ctx, PROVING))) return expired();
    await linking.linkAfterLogin(ctx, verdict.ok, proving.found);
    const outcome = await core.signIn(ctx, verdict.ok, proving.found.intent, METHOD);
    const reply = "refused" in outcome ? outcome.refused : redirect(proving.found.intent.to, { reason: LINKED });
    return linking.answerFor(reply, subject.user.pid, proving.found);
  });

  // The mailbox ------------------------------------------------------------------------------------------------------

  core.route("POST", MAIL, async (ctx): Promise<Reply> => {
    const proving = await waiting<Proving>(ctx, PROVING);
    if (!proving) return expired();
    if (!canMail) return refuse(404, "not_found");
    return showOn(await send(ctx, proving), oauth2ConnectView, dataOf(proving));
  });

  core.route("GET", END, (ctx) => core.links.land(ctx, END) ?? page(oauth2EndView, { token: core.links.text(ctx, END) }));

  core.route("POST", END, async (ctx): Promise<Reply> => {
    const proof = core.links.proof(ctx, END, TOKEN);
    core.links.forget(ctx);
    const proving = proof && (await waiting<Proving>(ctx, PROVING));
    // Nothing mailed and nothing brought are not the same: without a token none fits.
    const fits = proof && proving?.mailed && sameText(proving.mailed, `${proof.selector}.${proof.verifierHash}`);
    if (!proving || !fits) return page(oauth2EndView, { token: null }, { status: 410, reason: "link_invalid" });
    const subject = await core.subject(proving.login);
    if (subject.kind === "known" && !isConfirmed(subject)) return refuse(409, "oauth2_account_unconfirmed");
    if (!(await flows.takeWaiting(ctx, PROVING))) return expired();
    if (subject.kind === "unknown") return arrivals.create(ctx, proving.found, proving.login, true);
    const [{ found }, { user }] = [proving, subject];
    const reply = await arrivals.enter(ctx, user, found, LINKED, (given) => linking.linkAfterLogin(ctx, given, found));
    return linking.answerFor(reply, user.pid, found);
  });

  // The name ---------------------------------------------------------------------------------------------------------

  const nameFields = {
    login: textField({ name: identifier.field, label: identifier.label, type: identifier.type, autocomplete: "username" }),
  };

  core.route("GET", FINISH, async (ctx): Promise<Reply> => {
    const naming = await waiting<Naming>(ctx, NAMING);
    return naming ? page(oauth2FinishView, { fields: nameFields, label: labelOf(naming.found.provider) }) : expired();
  });

  core.route("POST", FINISH, async (ctx): Promise<Reply> => {
    const naming = await waiting<Naming>(ctx, NAMING);
    if (!naming) return expired();
    const { found } = naming;
    const answer = await core.read(nameFields, ctx);
    const again = (reply: Reply): Reply =>
      showOn(reply, oauth2FinishView, { fields: nameFields, label: labelOf(found.provider) }, answer.preserved);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const login = identifier.normalize(answer.values.login);
    if (login === null) return again(refuseFields([{ field: identifier.field, reason: identifier.reason }]));
    // What they typed says nothing about whose it is.
    if (isByEmail) return again(await proveMailbox(ctx, { ...found, email: login, emailVerified: false }, login));
    const subject = await core.subject(login);
    if (subject.kind === "known") {
      return again(refuse(409, "oauth2_login_taken", { problems: [{ field: identifier.field, reason: "oauth2_login_taken" }] }));
    }
    if (!(await flows.takeWaiting(ctx, NAMING))) return expired();
    return again(await arrivals.create(ctx, found, login, found.emailVerified));
  });

  return {
    ask,
    proveMailbox,
    async askForLogin(ctx, found) {
      await flows.wait(ctx, NAMING, { whose: await whoseTurn(ctx), found } satisfies Naming, MAIL_LASTS);
      return redirect(core.path(FINISH));
    },
  };
}

/**
 * An account whose address nobody has confirmed may have been made by anybody, who would then share it with the owner of the mailbox: by the mailbox alone it is connected with nothing. Where addresses are
 * not confirmed at all, that is every account.
 */
const isConfirmed = ({ user }: Extract<Subject, { kind: "known" }>): boolean => Reflect.get(user, "confirmedAt") instanceof Date;
