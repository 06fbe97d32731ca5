/** Text messages by Twilio. Its package is large, so it is loaded with the first message, and only where somebody sends by it. @module */
import { createRequire } from "node:module";
import { ConfigError, type Duration, isDuration, type Sms, type SmsSender, seconds } from "@castellan/core";

/** Who sends: a number of yours, or a messaging service that chooses one. */
export type TwilioOrigin =
  | { readonly from: string; readonly messagingServiceSid?: undefined }
  | { readonly from?: undefined; readonly messagingServiceSid: string };

export interface TwilioAccountOptions {
  /** Of your account: `AC` and 32 digits. */
  readonly accountSid: string;
  /** The secret of your account, or of `apiKey`. */
  readonly authToken: string;
  /** An API key in place of the account itself: `SK` and 32 digits; `authToken` is then its secret. It can be revoked alone. @default the account */
  readonly apiKey?: string;
  /** How long Twilio may take. @default seconds(10) */
  readonly timeout?: Duration;
  /** Where Twilio's API is, for a proxy in front of it: an origin. @default "https://api.twilio.com" */
  readonly apiUrl?: string;
}

export type TwilioOptions = TwilioAccountOptions & TwilioOrigin;

const DEFAULTS = { timeout: seconds(10), apiUrl: "https://api.twilio.com" } as const satisfies Partial<TwilioAccountOptions>;

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
/** A number (E.164), a short code, or a name of up to 11 signs. */
const ORIGIN = /^(?:\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 &_+-]{1,11})$/;

const isSid = (prefix: string, value: unknown): boolean => typeof value === "string" && new RegExp(`^${prefix}[0-9a-f]{32}$`).test(value);

/** The password of the API would travel in the clear. */
function isSafeOrigin(value: unknown): boolean {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, hostname, origin } = new URL(value);
  return origin === value && (protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname)));
}

function problemsOf(options: Partial<Record<keyof TwilioOptions, unknown>>): string[] {
  const { accountSid, authToken, apiKey, from, messagingServiceSid, timeout, apiUrl } = options;
  const problems: string[] = [];
  if (!isSid("AC", accountSid))
    problems.push("twilio: `accountSid` must be the one of your account: AC and 32 digits and letters from a to f");
  if (typeof authToken !== "string" || authToken === "")
    problems.push("twilio: `authToken` is missing: take it from the console, and keep it out of the source");
  if (apiKey !== undefined && !isSid("SK", apiKey)) problems.push("twilio: `apiKey` must be SK and 32 digits and letters from a to f");
  if ((from === undefined) === (messagingServiceSid === undefined))
    problems.push("twilio: say who sends, by `from` or by `messagingServiceSid`");
  if (from !== undefined && !(typeof from === "string" && ORIGIN.test(from)))
    problems.push("twilio: `from` must be a number such as +15005550006, a short code, or a name of at most 11 letters and digits");
  if (messagingServiceSid !== undefined && !isSid("MG", messagingServiceSid))
    problems.push("twilio: `messagingServiceSid` must be MG and 32 digits and letters from a to f");
  if (!isDuration(timeout)) problems.push("twilio: `timeout` must be a duration, for example seconds(10)");
  if (!isSafeOrigin(apiUrl)) problems.push("twilio: `apiUrl` must be an origin that begins with https:, without a slash at its end");
  return problems;
}

type SendOne = (message: { readonly to: string; readonly body: string }) => Promise<unknown>;

async function connect({
  accountSid,
  authToken,
  apiKey = accountSid,
  from,
  messagingServiceSid,
  timeout,
  apiUrl,
}: Required<Pick<TwilioOptions, "timeout" | "apiUrl">> & TwilioOptions): Promise<SendOne> {
  const { default: twilio } = await import("twilio");
  const httpClient = new twilio.RequestClient({ timeout });
  const request = httpClient.request.bind(httpClient);
  httpClient.request = (asked) => {
    const { pathname, search } = new URL(asked.uri);
    return request({ ...asked, uri: apiUrl + pathname + search });
  };
  const client = twilio(apiKey, authToken, { accountSid, httpClient });
  const origin = from === undefined ? { messagingServiceSid } : { from };
  return ({ to, body }) => client.messages.create({ to, body, ...origin });
}

/** What may be told of a failure: figures. Twilio's own words hold the number, and the error of its HTTP client holds the password and the text. */
function failureOf(error: unknown): Error {
  const of = (name: string): unknown => (typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined);
  const [status, code] = [of("status"), of("code")];
  if (typeof status === "number") {
    const which = typeof code === "number" ? `error ${code} (https://www.twilio.com/docs/api/errors/${code}), ` : "";
    return new Error(`Twilio did not take the message: ${which}HTTP status ${status}`);
  }
  return new Error(`Twilio could not be reached${typeof code === "string" ? `: ${code}` : ""}`);
}

/** The package is looked for when the sender is made, without loading it: at the first message it would be too late to say so. */
function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve("twilio");
    return true;
  } catch {
    return false;
  }
}

const MISSING = "twilioSender needs the package twilio: npm install twilio";

/**
 * Sends by Twilio's Messages API. Rejects when Twilio did not take the message; the error has Twilio's figures, and neither number, text nor password. Throws a `ConfigError` for options that cannot work.
 */
export function twilioSender(options: TwilioOptions): SmsSender {
  const settings = { ...DEFAULTS, ...options };
  const problems = problemsOf(settings);
  if (problems.length > 0) throw new ConfigError(problems);
  let connecting: Promise<SendOne> | null = null;
  const sender = {
    async send({ to, text }: Sms): Promise<void> {
      connecting ??= connect(settings);
      const sendOne = await connecting;
      try {
        await sendOne({ to, body: text });
      } catch (error) {
        throw failureOf(error);
      }
    },
  };
  return isInstalled() ? sender : { ...sender, problem: MISSING };
}
