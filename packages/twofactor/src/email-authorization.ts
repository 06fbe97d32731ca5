/** Before a factor is added, the person shows that the mailbox is still theirs: by a mailed link, in the browser that asked for it. @module */
import {
  ConfigError,
  type Context,
  type Core,
  days,
  minutes,
  page,
  type Reply,
  redirect,
  refuse,
  sameText,
  subjectOfUser,
  type User,
} from "@castellan/core";
import { detour } from "./detour.ts";
import { authorizeMail } from "./mails.ts";
import { authorizeEndView, authorizeView } from "./pages.ts";
import type { TwoFactorSettings } from "./settings.ts";

const PATH = "/2fa/email/verify";
const END = "/2fa/email/verify/end";
/** A link that was mailed, waiting in this browser session. */
const ASKED = "twofactor/email";
/** The link was followed in this browser session. */
const AUTHORISED = "twofactor/authorised";
const LASTS = minutes(30);
const TRIES = 5;

/** `c•••@example.org`: enough for its owner. */
const masked = (address: string): string => address.replace(/^(.)[^@]*/, "$1•••");

export interface EmailAuthorization {
  /** The way to the mail, as long as this user has not shown the mailbox in this browser session; `null` then. */
  isMissing(ctx: Context, user: User): Promise<Reply | null>;
}

/** Who may ask for the mail: whoever might add a factor, were it not for the mail itself. */
type MayAdd = (ctx: Context) => Promise<{ readonly ok: User } | { readonly refused: Reply }>;

/** GET and POST `/2fa/email/verify` and `/2fa/email/verify/end`; `null` without the option. */
export function emailAuthorization(core: Core, settings: TwoFactorSettings, mayAdd: MayAdd): EmailAuthorization | null {
  if (!settings.emailAuthorization) return null;
  if (!core.sendsMail)
    throw new ConfigError(['twofactor: `emailAuthorization` needs the option `mail`, and a storer with the capability "mail-queueing"']);
  const soon = core.limit("email", "subject", 1, minutes(1));
  const daily = core.limit("email/day", "subject", 10, days(1));

  core.route("GET", PATH, async (ctx): Promise<Reply> => {
    const may = await mayAdd(ctx);
    if ("refused" in may) return may.refused;
    const address = core.mailbox(may.ok)?.address ?? null;
    // Whoever has no more than the password need not learn the address.
    const isIn = (await ctx.current()) !== null;
    return page(authorizeView, { email: address !== null && !isIn ? masked(address) : address });
  });

  core.route("POST", PATH, async (ctx): Promise<Reply> => {
    const may = await mayAdd(ctx);
    if ("refused" in may) return may.refused;
    const user = may.ok;
    const to = core.mailbox(user);
    if (!to) return refuse(409, "email_missing");
    const { key } = subjectOfUser(user);
    for (const limit of [soon, daily]) {
      const admission = await core.use(limit, key);
      if (!admission.admitted) return refuse(429, "too_many_attempts", admission);
    }
    const { url, row } = core.links.make(user, END, ASKED, to.address, LASTS);
    const data = `${row.selector}.${row.verifierHash}`;
    await core.challenges.make(ctx, { user, purpose: ASKED, destination: to.address, data, tries: TRIES, lasts: LASTS });
    await core.mail(authorizeMail, { link: url, minutes: LASTS / minutes(1) }, to, ctx);
    return redirect(core.path(PATH), { reason: "authorization_sent" });
  });

  core.route("GET", END, (ctx) => core.links.land(ctx, END) ?? page(authorizeEndView, { token: core.links.text(ctx, END) }));

  core.route("POST", END, async (ctx): Promise<Reply> => {
    const invalid = (): Reply => page(authorizeEndView, { token: null }, { status: 410, reason: "link_invalid" });
    const proof = core.links.proof(ctx, END, ASKED);
    core.links.forget(ctx);
    const may = await mayAdd(ctx);
    if ("refused" in may) return may.refused;
    // Nothing sent and nothing asked for are not the same: without a challenge no token fits.
    const asked = proof && (await core.challenges.admitTry(ctx, ASKED));
    const isRight = proof && asked && asked.pid === may.ok.pid && sameText(asked.data, `${proof.selector}.${proof.verifierHash}`);
    // An address that is not the user's any more proves nothing.
    if (!isRight || asked.destination !== core.mailbox(may.ok)?.address) return invalid();
    if (!(await core.challenges.consume(ctx, ASKED))) return invalid();
    await core.challenges.make(ctx, { user: may.ok, purpose: AUTHORISED, tries: 1, lasts: LASTS });
    return redirect(core.path("/2fa"), { reason: "authorization_given" });
  });

  return {
    async isMissing(ctx, user) {
      const given = await core.challenges.find(ctx, AUTHORISED);
      if (given?.pid === user.pid && given.epoch === user.epoch) return null;
      return detour(core, ctx, PATH, "authorization_needed");
    },
  };
}
