/** Authentication for Express: the core of Castellan with its seams filled. @module */
import {
  ConfigError,
  createCastellan,
  emailIdentifier,
  type Gate,
  type GateOptions,
  jsonLogger,
  type Module,
  type ServerStorer,
  systemClock,
  systemRandom,
  type UserOf,
} from "@castellan/core";
import { bcryptHasher, developmentOutbox, pages, passwordPolicy } from "@castellan/defaults";

export * from "@castellan/core";
export * from "@castellan/defaults";

/** The seams that have a default. */
type Filled = "hasher" | "passwordPolicy" | "renderer" | "identifier" | "mailer" | "sms" | "logger" | "clock" | "random";

/** The options of a gate; seams may be left out. */
export type CastellanOptions<S extends ServerStorer, M> = Omit<GateOptions<S, M>, Filled> & Partial<Pick<GateOptions<S, M>, Filled>>;

/** Outside development nobody reads an outbox: what should be sent must not vanish. */
const missing = (option: string, what: string) => {
  const problem = `\`${option}\` is missing: ${what}`;
  return { problem, send: (): Promise<never> => Promise.reject(new ConfigError([problem])) };
};

/**
 * Makes a gate. Left out, a seam is filled with: bcrypt of cost 12 (which also reads argon2id), the default password policy (15 characters), the default pages, e-mail
 * addresses as logins, JSON lines on standard error, and in development an outbox in memory. Throws a `ConfigError` that lists everything that is wrong.
 */
export function castellan<S extends ServerStorer, const M extends Readonly<Record<string, Module<NoInfer<S>>>>>(
  options: CastellanOptions<S, M>,
): Gate<UserOf<S>, M> {
  // In plain JavaScript the options may be forgotten; the check below says so.
  const { applicationName, development, clock = systemClock } = options ?? {};
  const outbox = development ? developmentOutbox({ clock }) : null;
  return createCastellan<S, M>({
    hasher: bcryptHasher(),
    passwordPolicy: passwordPolicy(),
    renderer: pages(applicationName === undefined ? {} : { applicationName }),
    identifier: emailIdentifier(),
    mailer: outbox?.mailer ?? missing("mailer", "give smtpMailer(url) to send mails"),
    sms: outbox?.sms ?? missing("sms", "give a sender to send text messages"),
    logger: jsonLogger((line) => process.stderr.write(line), clock),
    random: systemRandom,
    ...options,
    clock,
  } as GateOptions<S, M>); // what may be left out stands above
}
