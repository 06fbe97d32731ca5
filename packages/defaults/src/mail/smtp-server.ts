/** Which mail server to use, as a URL or as options. @module */
import type { ConnectionOptions } from "node:tls";
import { ConfigError, type Duration, seconds } from "@castellan/core";

export interface SmtpOptions {
  readonly host: string;
  /** @default 587, or 465 with `implicitTls` */
  readonly port?: number;
  /** TLS from the first byte on, instead of STARTTLS. In a URL: `smtps:`. @default false */
  readonly implicitTls?: boolean;
  /** @default no authentication */
  readonly user?: string;
  readonly password?: string;
  /** What this machine calls itself in EHLO. @default its host name */
  readonly clientName?: string;
  /** For connecting, for the greeting, and for each silence after it. @default seconds(10) */
  readonly timeout?: Duration;
  /** How many connections are open at once at most. @default 2 */
  readonly connections?: number;
  /** For example `{ ca }` for a server with a certificate of your own. */
  readonly tls?: Pick<ConnectionOptions, "ca" | "cert" | "key" | "servername" | "minVersion">;
  /** Sends in the clear where the server offers no STARTTLS: everybody on the way reads the links and the password. @default false */
  readonly dangerouslyAllowPlaintext?: boolean;
}

export interface SmtpServer extends SmtpOptions {
  readonly port: number;
  readonly implicitTls: boolean;
  readonly timeout: Duration;
  readonly connections: number;
  readonly dangerouslyAllowPlaintext: boolean;
}

const PLAINTEXT = "dangerouslyAllowPlaintext";

const completed = (options: SmtpOptions): SmtpServer => ({
  ...options,
  port: options.port ?? (options.implicitTls ? 465 : 587),
  implicitTls: options.implicitTls ?? false,
  timeout: options.timeout ?? seconds(10),
  connections: options.connections ?? 2,
  dangerouslyAllowPlaintext: options.dangerouslyAllowPlaintext ?? false,
});

/** The problems with a URL never quote it: there is a password in it. */
function fromUrl(text: string): SmtpOptions {
  if (!URL.canParse(text)) throw new ConfigError(["smtpMailer: the URL cannot be read, write smtp://user:password@host:587"]);
  const url = new URL(text);
  const problems: string[] = [];
  if (url.protocol !== "smtp:" && url.protocol !== "smtps:") problems.push("smtpMailer: the URL begins with smtp:// or smtps://");
  if (url.hostname === "") problems.push("smtpMailer: the URL names no host");
  for (const [name, value] of url.searchParams) {
    if (name !== PLAINTEXT || value !== "true") {
      problems.push(`smtpMailer: the URL knows no option but ${PLAINTEXT}=true; give an object instead of a URL for others`);
    }
  }
  const decoded = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      problems.push("smtpMailer: user and password in the URL are percent-encoded");
      return "";
    }
  };
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    ...(url.port !== "" && { port: Number(url.port) }),
    implicitTls: url.protocol === "smtps:",
    ...(user !== "" && { user, password }),
    dangerouslyAllowPlaintext: url.searchParams.has(PLAINTEXT),
  };
}

export const smtpServer = (server: string | SmtpOptions): SmtpServer => completed(typeof server === "string" ? fromUrl(server) : server);
