/** Trusted browsers: where the second factor was given and the box was ticked, it is not asked for at sign-ins for a while. @module */
import {
  ConfigError,
  type Context,
  type Core,
  digest,
  login,
  meets,
  type Reply,
  randomText,
  redirect,
  refuse,
  type TrustedBrowser,
  type TrustedBrowserOperations,
  trustedBrowsers,
  type User,
} from "@castellan/core";
import type { TwoFactorSettings } from "./settings.ts";

const COOKIE = "trust";
const SECRET_BYTES = 32;
const ID_BYTES = 16;
const LONGEST_USER_AGENT = 256;
/** Of how many users a browser may be trusted: the cookie has a secret for each. */
const MOST_USERS = 8;
const TICKED: ReadonlySet<unknown> = new Set([true, "true", "on", "1"]);

export interface Trust {
  /** Whether this browser is one that the user trusts. */
  holds(ctx: Context, user: User): Promise<boolean>;
  list(pid: string): Promise<readonly TrustedBrowser[]>;
  end(pid: string, id: string): Promise<boolean>;
  endAll(pid: string): Promise<number>;
}

const NOBODY: Trust = { holds: async () => false, list: async () => [], end: async () => false, endAll: async () => 0 };

/** Keeps track of trusted browsers, and serves POST `/2fa/trusted/end`. Without the option there are none. */
export function trustOf(core: Core, { trust: lasts }: TwoFactorSettings): Trust {
  if (lasts === null) return NOBODY;
  if (!meets(core.storer, trustedBrowsers)) {
    throw new ConfigError([
      'twofactor: `trust` needs a storer with the capability "trusted-browsers": add its operations, or leave `trust` out',
    ]);
  }
  const storer: TrustedBrowserOperations = core.storer;
  const { clock, random } = core;
  // A secret for each user of a browser, made when the box is ticked: whoever copied the cookie before is trusted by nobody for it.
  const keyOf = (secret: string, { pid }: User): string => digest("trusted browser", `${pid}\0${secret}`);
  const nameOf = ({ pid }: User): string => digest("trusting user", pid).slice(0, 12);
  const secretsIn = (ctx: Context): Readonly<Record<string, string>> => {
    const text = ctx.cookies.get(COOKIE);
    return text === null ? {} : (JSON.parse(text) as Record<string, string>); // sealed below
  };
  const secretOf = (ctx: Context, user: User): string | null => secretsIn(ctx)[nameOf(user)] ?? null;

  const trust: Trust = {
    async holds(ctx, user) {
      const secret = secretOf(ctx, user);
      return secret !== null && (await storer.findTrustedBrowser(user.pid, keyOf(secret, user), clock.now())) !== null;
    },
    list: (pid) => storer.listTrustedBrowsers(pid, clock.now()),
    end: (pid, id) => storer.endTrustedBrowser(pid, id),
    endAll: (pid) => storer.endTrustedBrowsers(pid),
  };

  // Told, not recorded: a sign-in is not to fail because a browser could not be trusted.
  core.on(login).after("notify", async ({ user, ctx, second }) => {
    if (second === null || !TICKED.has(ctx.body.get("trust"))) return;
    const [before, secret, now] = [secretOf(ctx, user), randomText(random, SECRET_BYTES), clock.now()];
    const expiresAt = new Date(now.getTime() + lasts);
    const keyHash = keyOf(secret, user);
    // An older row of this browser and user gives way to the one that lasts longer.
    const older = before === null ? null : await storer.findTrustedBrowser(user.pid, keyOf(before, user), now);
    if (older) await storer.endTrustedBrowser(user.pid, older.id);
    const { pid, epoch } = user;
    const from = { userAgent: ctx.userAgent.slice(0, LONGEST_USER_AGENT), network: ctx.network };
    const row = { id: randomText(random, ID_BYTES), keyHash, pid, epoch, createdAt: now, expiresAt, ...from };
    if (!(await storer.addTrustedBrowser(row))) return;
    const { [nameOf(user)]: _, ...others } = secretsIn(ctx);
    // The newest last; the oldest gives way.
    const secrets = Object.fromEntries([...Object.entries(others), [nameOf(user), secret]].slice(-MOST_USERS));
    ctx.cookies.put(COOKIE, JSON.stringify(secrets), { maxAge: lasts / 1000 });
  });

  core.route("POST", "/2fa/trusted/end", async (ctx): Promise<Reply> => {
    const [refused, current] = [await core.mustBe(ctx, { level: "full" }), await ctx.current()];
    if (refused || !current) return refused ?? redirect(core.path("/login"));
    const { pid } = current.user;
    const id = ctx.body.get("id");
    if (id === undefined) await trust.endAll(pid);
    else if (typeof id !== "string" || !(await trust.end(pid, id))) return refuse(404, "browser_not_trusted");
    return redirect(core.path("/2fa"), { reason: "browser_untrusted" });
  });

  return trust;
}
