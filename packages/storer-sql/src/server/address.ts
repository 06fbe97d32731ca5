/** Where a database server is, as a URI says it. A URI holds a password: it is never quoted, here or anywhere. @module */
import { readFile } from "node:fs/promises";
import { ConfigError } from "@castellan/core";

/** How one kind of server is named. */
export interface ServerKind {
  /** With their colon. The first one is for examples. */
  readonly schemes: readonly string[];
  readonly port: number;
}

/** `"verify"`: only with a certificate that is right for the host. `"no-verify"`: encrypted, to whoever answers. */
export type TlsMode = "disable" | "no-verify" | "verify";

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: TlsMode;
  /** A file of certificates to believe in, instead of those that come with Node. */
  readonly authorities: string | null;
}

/** What the drivers call it: a server's name is checked by Node itself. */
export interface TlsSettings {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
}

/** The words that people know from both worlds. "require" means more here than in libpq: whoever asks for encryption wants to know for whom. */
const MODES: Readonly<Record<string, TlsMode>> = {
  disable: "disable",
  "no-verify": "no-verify",
  require: "verify",
  "verify-full": "verify",
};

const parse = (uri: unknown): URL | null => {
  try {
    return typeof uri === "string" ? new URL(uri) : null;
  } catch {
    return null;
  }
};

const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

/** Reads `scheme://user:password@host:port/database?sslmode=…`. Throws a `ConfigError` that lists what is wrong. */
export function addressOf(uri: unknown, { schemes, port }: ServerKind): ServerAddress {
  const example = `${schemes[0]}//user:password@host:${port}/database`;
  const url = parse(uri);
  if (!url || !schemes.includes(url.protocol)) {
    throw new ConfigError([
      `storer-sql: the address of the database is no URI like ${example}; in the user and the password, everything but letters, digits and - . _ ~ must be percent-encoded`,
    ]);
  }
  const problems: string[] = [];
  const part = (name: string, text: string): string => {
    const value = decoded(text);
    if (value === null)
      problems.push(`storer-sql: the ${name} in the address of the database has a % that encodes nothing: write %25 for one that is meant`);
    return value ?? "";
  };
  const address = {
    host: part("host", url.hostname).replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? port : Number(url.port),
    user: part("user", url.username),
    password: part("password", url.password),
    database: part("name", url.pathname.slice(1)),
    ...tlsOf(url.searchParams, problems),
  };
  if (address.host === "") problems.push(`storer-sql: the address of the database names no host: write it like ${example}`);
  if (address.user === "") problems.push(`storer-sql: the address of the database names no user: write it like ${example}`);
  if (address.database === "" || address.database.includes("/")) {
    problems.push(`storer-sql: the address of the database names no database, or more than one: write it like ${example}`);
  }
  if (url.hash !== "") problems.push("storer-sql: the address of the database has a #: in a password, write %23");
  if (problems.length > 0) throw new ConfigError(problems);
  return address;
}

function tlsOf(params: URLSearchParams, problems: string[]): Pick<ServerAddress, "tls" | "authorities"> {
  for (const name of new Set(params.keys())) {
    // A parameter that nobody reads would be one that somebody relies on. Its value may be a secret.
    if (name !== "sslmode" && name !== "sslrootcert") {
      problems.push(
        `storer-sql: the parameter ${JSON.stringify(name)} in the address of the database is unknown: there are sslmode and sslrootcert`,
      );
    }
  }
  const authorities = params.get("sslrootcert");
  const word = params.get("sslmode") ?? (authorities === null ? "disable" : "verify-full");
  const tls = Object.hasOwn(MODES, word) ? MODES[word] : undefined;
  if (!tls) problems.push(`storer-sql: sslmode is one of ${Object.keys(MODES).join(", ")}`);
  if (authorities !== null && tls !== "verify")
    problems.push("storer-sql: sslrootcert goes with sslmode=verify-full: remove it, or say so");
  return { tls: tls ?? "verify", authorities };
}

/** What to tell the driver of encryption; `undefined` for none. */
export async function tlsSettings({ tls, authorities }: ServerAddress): Promise<TlsSettings | undefined> {
  if (tls === "disable") return undefined;
  if (authorities === null) return { rejectUnauthorized: tls === "verify" };
  try {
    return { rejectUnauthorized: true, ca: await readFile(authorities, "utf8") };
  } catch (error) {
    throw new ConfigError([
      `storer-sql: the file of sslrootcert cannot be read: ${error instanceof Error && "code" in error ? error.code : "no such file"}`,
    ]);
  }
}

/** For messages: without user and password. */
export const placeOf = ({ host, port, database }: ServerAddress): string =>
  `${database} on ${host.includes(":") ? `[${host}]` : host}:${port}`;
