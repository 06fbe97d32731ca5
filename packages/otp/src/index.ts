/** One-time passwords: made beforehand, kept on paper, each of them good for one sign-in in place of the password. @module */
import {
  attempt,
  ConfigError,
  type Context,
  type Core,
  type Duration,
  defineModule,
  flagField,
  isDuration,
  type Module,
  minutes,
  type OneTimePasswordServerStorer,
  oneTimePasswords,
  page,
  type Reply,
  randomText,
  readCode,
  refuseFields,
  showOn,
  textField,
} from "@castellan/core";
import { METHOD, manageRoutes, storedForm } from "./manage.ts";
import { type LoginPageData, loginView, usedMail } from "./pages.ts";
import { otpTexts } from "./texts.ts";

export * from "./pages.ts";

export interface OtpOptions {
  /** How many a user may have at a time: 1 to 20. @default 5 */
  readonly most?: number;
  /** How fresh the sign-in must be to make one, and the second factor of whoever has one. @default minutes(15) */
  readonly recent?: Duration;
  /** Where a sign-in leads when no page was wanted: a path of the application. @default "/" */
  readonly afterLogin?: string;
}

const DEFAULTS = { most: 5, recent: minutes(15), afterLogin: "/" } as const satisfies Required<OtpOptions>;

/** What an application can do without the routes. */
export interface OtpApi {
  /** How many the user has left. */
  count(pid: string): Promise<number>;
  /** Removes all of the user's, and tells nobody. Answers how many there were. */
  clear(pid: string): Promise<number>;
}

/** The module: GET and POST `/otp/login`, `/otp/add` and `/otp/clear`. */
export function otp(options: OtpOptions = {}): Module<OneTimePasswordServerStorer, OtpApi> {
  const settings = { ...DEFAULTS, ...options };
  return defineModule({
    name: "otp",
    requires: [oneTimePasswords],
    reasons: ["one_time_passwords_full", "one_time_passwords_cleared"],
    texts: otpTexts,
    start: (core: Core<OneTimePasswordServerStorer>) => start(core, settings),
  });
}

/** In plain JavaScript a figure may be anything; what is wrong is told at start-up. */
function problemsOf({ most, recent }: Required<OtpOptions>): readonly string[] {
  const problems = isDuration(recent) ? [] : ["otp: `recent` must be a duration, for example minutes(15)"];
  return Number.isSafeInteger(most) && most >= 1 && most <= 20
    ? problems
    : [...problems, "otp: `most` must be a whole number from 1 to 20"];
}

const PATH = "/otp/login";

const fieldsFor = ({ identifier }: Core) => ({
  login: textField({ name: identifier.field, label: identifier.label, type: identifier.type, autocomplete: "username" }),
  // Seen while it is typed, since it is copied from paper; good for nothing once it was used.
  password: textField({ name: "one_time_password", label: "otp.password", autocomplete: "one-time-code", preserve: false }),
  remember: flagField({ label: "otp.remember" }),
});

function start(core: Core<OneTimePasswordServerStorer>, settings: Required<OtpOptions>): OtpApi {
  const problems = problemsOf(settings);
  if (problems.length > 0) throw new ConfigError(problems);
  const { storer, random } = core;
  const fields = fieldsFor(core);
  const { remember: _, ...unremembered } = fields;
  // A box that does nothing is a lie: it is there only where something remembers.
  const data = (): LoginPageData => ({ fields: core.isLoaded("remember") ? fields : unremembered });

  /** Spends it. What cannot be one is a try like any other, and so is one for a login that nobody has: the same query, for nobody's pid. */
  const spend = async (pid: string | null, typed: string): Promise<boolean> => {
    const signs = readCode(typed);
    const spent = await storer.consumeOneTimePassword(pid ?? `nobody-${randomText(random, 16)}`, storedForm(signs ?? ""));
    return spent && signs !== null && pid !== null;
  };

  const logIn = async (ctx: Context): Promise<Reply> => {
    const answer = await core.read(fields, ctx);
    const again = (reply: Reply): Reply => showOn(reply, loginView, data(), answer.preserved);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const { login, password, remember } = answer.values;
    const subject = await core.subject(login);
    const pid = subject.kind === "known" ? subject.user.pid : null;
    const verdict = await core.attempt(ctx, subject, METHOD, () => spend(pid, password));
    if ("refused" in verdict) return again(verdict.refused);
    return again(await core.login(ctx, verdict.ok, core.intent(ctx, settings.afterLogin, remember), METHOD));
  };

  core.route("GET", PATH, () => page(loginView, data()));
  core.route("POST", PATH, logIn);
  manageRoutes(core, settings);

  // Told as soon as it was spent: somebody may have found the paper, and wait for the second factor now.
  core.on(attempt).after("notify", async ({ subject, method, ctx }) => {
    if (method !== METHOD || subject.kind === "unknown") return;
    const left = await storer.countOneTimePasswords(subject.user.pid);
    await core.tell(usedMail, { left, network: ctx?.network ?? "" }, subject.user, ctx);
  });

  return {
    async count(pid) {
      await core.ready();
      return storer.countOneTimePasswords(pid);
    },
    async clear(pid) {
      await core.ready();
      return storer.clearOneTimePasswords(pid);
    },
  };
}
