/** The options of the module, with their defaults. @module */
import { ConfigError, type Duration, days, hours, isDuration, minutes, type User } from "@castellan/core";

export interface TwoFactorOptions {
  /**
   * Who must have a second factor: everybody, nobody, or whom a function of the user names. Whoever must and has none is led to set one up at the next sign-in, and gets nowhere else before. @default false
   */
  readonly required?: boolean | ((user: User) => boolean | Promise<boolean>);
  /** How long a login waits for the second factor. @default minutes(10) */
  readonly lasts?: Duration;
  /** How many answers a waiting login may try. @default 5 */
  readonly tries?: number;
  /** How fresh the proofs must be for adding and removing factors and for new recovery codes. @default minutes(15) */
  readonly recent?: Duration;
  /** How long a browser that a person ticks "trust this browser" in is not asked at sign-ins; `null` for no such box. @default null */
  readonly trust?: Duration | null;
  /** Whether a link mailed to the user's address must be followed before a factor is added. Needs the option `mail`. @default false */
  readonly emailAuthorization?: boolean;
}

export interface TwoFactorSettings {
  readonly isRequired: (user: User) => Promise<boolean>;
  readonly lasts: Duration;
  readonly tries: number;
  readonly recent: Duration;
  readonly trust: Duration | null;
  readonly emailAuthorization: boolean;
  /** How long a login waits for a factor to be set up. */
  readonly enrolmentLasts: Duration;
  /** How often an owner is told that somebody knows the password. */
  readonly failedMailEvery: Duration;
}

const DEFAULTS = {
  required: false,
  lasts: minutes(10),
  tries: 5,
  recent: minutes(15),
  trust: null,
  emailAuthorization: false,
} as const satisfies Required<TwoFactorOptions>;

export const LONGEST_TRUST = days(90);

/** In plain JavaScript a figure may be anything; what is wrong is told at start-up. */
export function settingsFrom(options: TwoFactorOptions): TwoFactorSettings {
  const { required, lasts, tries, recent, trust, emailAuthorization } = { ...DEFAULTS, ...options };
  const problems = Object.entries({ lasts, recent })
    .filter(([, duration]) => !isDuration(duration))
    .map(([name]) => `twofactor: \`${name}\` must be a duration, for example minutes(10)`);
  if (!Number.isSafeInteger(tries) || tries < 1 || tries > 20) problems.push("twofactor: `tries` must be a whole number from 1 to 20");
  if (trust !== null && !(isDuration(trust) && trust <= LONGEST_TRUST))
    problems.push("twofactor: `trust` must be a duration of at most 90 days, or null for no trusted browsers");
  if (typeof required !== "boolean" && typeof required !== "function")
    problems.push("twofactor: `required` must be true, false or a function of the user");
  if (typeof emailAuthorization !== "boolean") problems.push("twofactor: `emailAuthorization` must be true or false");
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    isRequired: async (user) => (typeof required === "function" ? Boolean(await required(user)) : required),
    lasts,
    tries,
    recent,
    trust,
    emailAuthorization,
    enrolmentLasts: minutes(30),
    failedMailEvery: hours(1),
  };
}
