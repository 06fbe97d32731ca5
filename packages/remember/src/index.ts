/** Remembers browsers: signs people in again, by half, when they come back. @module */
import {
  ConfigError,
  type Context,
  type Core,
  type Current,
  changePassword,
  type Duration,
  days,
  defineChannel,
  defineMail,
  defineModule,
  disable,
  isDuration,
  letter,
  login,
  logout,
  type Module,
  type RememberingServerStorer,
  rememberable,
  revoke,
  seconds,
  subjectOfUser,
  type Texts,
  type TokenProof,
  type User,
} from "@castellan/core";

export interface RememberOptions {
  /** How long a browser is remembered, from the sign-in on. @default days(14) */
  readonly lasts?: Duration;
  /** How long the secret before the current one still passes, for requests that a browser sends side by side. @default seconds(15) */
  readonly grace?: Duration;
}

const DEFAULTS = { lasts: days(14), grace: seconds(15) } as const satisfies Required<RememberOptions>;

const COOKIE = "remember";
const PURPOSE = "remember";
const METHOD = "remember";
const LONGEST_USER_AGENT = 256;

/** Somebody was signed in by half from a remembered browser. */
export const remembered = defineChannel<{ readonly user: User; readonly ctx: Context }>("remember");
/** A secret came that had been replaced: two browsers hold one cookie. Everything of the user has ended. */
export const rememberTheft = defineChannel<{ readonly pid: string; readonly ctx: Context }>("rememberTheft");

const texts: Texts = {
  "remember.theft.subject": "Somebody may have copied your sign-in",
  "remember.theft.what":
    "A cookie that keeps you signed in was used twice at {application}. One of the two may not have been you, so we signed you out everywhere.",
  "remember.theft.todo": "Sign in again. If you think that somebody had access to your device, choose a new password.",
};

export const theftMail = defineMail<object>("remember/theft", (_data, { t, applicationName: application }) =>
  letter(t("remember.theft.subject"), [t("remember.theft.what", { application }), t("remember.theft.todo")]),
);

/** The module. The box on the login page appears with it. */
export function remember(options: RememberOptions = {}): Module<RememberingServerStorer, Record<never, never>> {
  const settings = { ...DEFAULTS, ...options };
  return defineModule({
    name: "remember",
    requires: [rememberable],
    reasons: [],
    texts,
    start(core: Core<RememberingServerStorer>) {
      start(core, settings);
      return {};
    },
  });
}

function start(core: Core<RememberingServerStorer>, { lasts, grace }: Required<RememberOptions>): void {
  const { storer, clock, tokens } = core;
  const problems = Object.entries({ lasts, grace })
    .filter(([, duration]) => !isDuration(duration))
    .map(([name]) => `remember: \`${name}\` must be a duration, for example days(14)`);
  if (problems.length > 0) throw new ConfigError(problems);

  const proofOf = (ctx: Context): TokenProof | null => {
    const token = ctx.cookies.get(COOKIE);
    return token === null ? null : tokens.parse(PURPOSE, token);
  };
  const put = (ctx: Context, token: string, until: Date): void =>
    ctx.cookies.put(COOKIE, token, { maxAge: (until.getTime() - clock.now().getTime()) / 1000 });

  /** Ends the series that this browser holds, and its cookie. */
  const forget = async (ctx: Context): Promise<void> => {
    const proof = proofOf(ctx);
    if (proof) await storer.endRememberSeries(proof.selector);
    if (ctx.cookies.get(COOKIE) !== null) ctx.cookies.delete(COOKIE);
  };

  const begin = async (ctx: Context, { pid, epoch }: User): Promise<void> => {
    await forget(ctx);
    const { token, ...row } = tokens.make(PURPOSE);
    const now = clock.now();
    const expiresAt = new Date(now.getTime() + lasts);
    const series = { ...row, pid, epoch, createdAt: now, expiresAt, userAgent: ctx.userAgent.slice(0, LONGEST_USER_AGENT) };
    if (await storer.addRememberSeries(series)) put(ctx, token, expiresAt);
  };

  core.on(login).after("record", async ({ ctx, user, intent, proof }) => {
    if (proof.method === METHOD) return;
    // Whoever signs in without the box, or as somebody else, is not to be remembered from before.
    await (intent.remember ? begin(ctx, user) : forget(ctx));
  });
  core.on(logout).after("record", ({ ctx }) => (ctx ? forget(ctx) : undefined));
  core.on(changePassword).after("record", async ({ user, ctx }) => {
    await storer.endRememberSeriesOf(user.pid, null);
    if (ctx && ctx.cookies.get(COOKIE) !== null) ctx.cookies.delete(COOKIE);
  });
  // A sign-in that was ended from a list must not come back by itself, and nobody knows which series is whose: all others go.
  core.on(revoke).after("record", async ({ pid, ctx }) => {
    const own = ctx && (await ctx.current())?.user.pid === pid ? proofOf(ctx) : null;
    await storer.endRememberSeriesOf(pid, own?.selector ?? null);
  });
  core.on(disable).after("record", async ({ pid }) => {
    await storer.endRememberSeriesOf(pid, null);
  });

  const theft = async (ctx: Context, pid: string): Promise<void> => {
    const user = await storer.load(pid);
    await core.revoke(pid, "all");
    if (user) await core.tell(theftMail, {}, user, ctx);
    await core.emit.after(rememberTheft, { pid, ctx });
  };

  core.whenNobody(async (ctx): Promise<Current | null> => {
    const proof = proofOf(ctx);
    // After the answer was sent no cookie can be set, and a secret that is not handed over must not be rotated.
    if (!proof || ctx.res.headersSent) return null;
    // Half a sign-in would take the place of one that waits for its second factor.
    if (ctx.sessionId !== null && (await core.challenges.pending(ctx))) return null;
    const next = tokens.rotate(PURPOSE, proof.selector);
    const rotation = await storer.rotateRememberSeries(proof, next.verifierHash, grace, clock.now());
    if (rotation?.kind === "stolen") await theft(ctx, rotation.pid);
    if (!rotation || rotation.kind === "stolen") {
      ctx.cookies.delete(COOKIE);
      return null;
    }
    if (rotation.kind === "rotated") put(ctx, next.token, rotation.expiresAt);
    const user = await storer.load(rotation.pid);
    if (user?.epoch !== rotation.epoch) return null;
    const verdict = await core.attempt(ctx, subjectOfUser(user), METHOD, async () => true);
    if ("refused" in verdict) return null;
    const intent = { to: "/", remember: false };
    const current = await core.establishHalf(ctx, verdict.ok, intent, rotation.kind === "rotated");
    if (current) await core.emit.after(remembered, { user, ctx });
    return current;
  });
}
