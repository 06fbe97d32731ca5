/** Where a server is, as a URI says it. A URI holds a password: it is never quoted. @module */
import { ConfigError } from "@castellan/core";

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** `null`: the user that the server calls `default`. */
  readonly user: string | null;
  /** `null`: the server wants none. */
  readonly password: string | null;
  readonly database: number;
  /** Whether it is encrypted, and only with a certificate that is right for the host. */
  readonly isTls: boolean;
}

const EXAMPLE = "redis://user:password@host:6379/0";
const PORT = 6379;

const parse = (uri: unknown): URL | null => {
  try {
    return typeof uri === "string" ? new URL(uri) : null;
  } catch {
    return null;
  }
};

/** Reads `redis://user:password@host:port/number`, or `rediss://…` for TLS. Throws a `ConfigError` that lists what is wrong. */
export function addressOf(uri: unknown): ServerAddress {
  const url = parse(uri);
  if (!url || (url.protocol !== "redis:" && url.protocol !== "rediss:")) {
    throw new ConfigError([
      `storer-redis: the address of the server is no URI like ${EXAMPLE}, or rediss://… for TLS; in the user and the password, everything but letters, digits and - . _ ~ must be percent-encoded`,
    ]);
  }
  const problems: string[] = [];
  const part = (name: string, text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      problems.push(`storer-redis: the ${name} in the address of the server has a % that encodes nothing: write %25 for one that is meant`);
      return "";
    }
  };
  const [user, password] = [part("user", url.username), part("password", url.password)];
  const database = /^\/?(\d{0,9})$/.exec(url.pathname)?.[1];
  if (url.hostname === "") problems.push(`storer-redis: the address of the server names no host: write it like ${EXAMPLE}`);
  if (user !== "" && password === "") {
    problems.push(
      `storer-redis: the address of the server names a user and no password: write redis://:password@host for the user "default"`,
    );
  }
  if (database === undefined) {
    problems.push(`storer-redis: behind the host stands the number of a database, or nothing: write it like ${EXAMPLE}`);
  }
  // A parameter that nobody reads would be one that somebody relies on.
  if (url.search !== "")
    problems.push("storer-redis: the address of the server takes no parameters: hand in a client of your own for what they ask");
  if (url.hash !== "") problems.push("storer-redis: the address of the server has a #: in a password, write %23");
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? PORT : Number(url.port),
    user: user === "" ? null : user,
    password: password === "" ? null : password,
    database: Number(database),
    isTls: url.protocol === "rediss:",
  };
}
