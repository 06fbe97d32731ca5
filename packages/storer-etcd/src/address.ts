/** Where etcd is, as a URI says it. A URI holds a password: it is never quoted, here or anywhere. @module */
import { readFile } from "node:fs/promises";
import { ConfigError } from "@castellan/core";

/** One server of a cluster. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface EtcdAddress {
  /** In the order in which they are tried. */
  readonly endpoints: readonly Endpoint[];
  /** `null` where nobody asks who we are. */
  readonly login: { readonly user: string; readonly password: string } | null;
  /** What every key begins with, without the slash after it. */
  readonly prefix: string;
  /** Files; `null` for a connection that is not encrypted. */
  readonly tls: TlsFiles | null;
}

/** Files in PEM; `null` for none. */
export interface TlsFiles {
  /** Certificates to believe in, instead of those that come with Node. */
  readonly authorities: string | null;
  /** Who we are, for servers that ask for it. */
  readonly certificate: string | null;
  readonly key: string | null;
}

/** What is read of them, as Node calls it. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export const EXAMPLE = "etcd://user:password@host:2379,host2:2379/prefix";
const PORT = 2379;
const PREFIX = "castellan";
const LONGEST_PREFIX = 200;

/** Several hosts are no URL to `URL`. The parts are looked at one by one below. */
const SHAPE = /^(etcds?):\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::([0-9]{1,5}))?$/i;
/** Each part between slashes is a name, so that no prefix looks like the end of another one's key. */
const PREFIX_SHAPE = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;

const PARAMETERS = { sslrootcert: "authorities", sslcert: "certificate", sslkey: "key" } as const;

const isParameter = (name: string): name is keyof typeof PARAMETERS => Object.hasOwn(PARAMETERS, name);

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Reads `etcd://user:password@host:port,host:port/prefix?sslrootcert=…`. Throws a `ConfigError` that lists what is wrong. */
export function addressOf(uri: unknown): EtcdAddress {
  const parts = typeof uri === "string" ? SHAPE.exec(uri) : null;
  if (!parts) {
    throw new ConfigError([
      `storer-etcd: the address is no URI like ${EXAMPLE}, with etcds:// for TLS; in the user and the password, everything but letters, digits and - . _ ~ must be percent-encoded`,
    ]);
  }
  const [, scheme = "", credentials, hosts = "", path = "", query = ""] = parts;
  const problems: string[] = [];
  const isEncrypted = scheme.toLowerCase() === "etcds";
  const address: EtcdAddress = {
    endpoints: endpointsOf(hosts, problems),
    login: credentials === undefined ? null : loginOf(credentials, problems),
    prefix: prefixOf(path, problems),
    tls: tlsOf(new URLSearchParams(query), isEncrypted, problems),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return address;
}

function endpointsOf(hosts: string, problems: string[]): Endpoint[] {
  return hosts.split(",").flatMap((text) => {
    const [, host = "", digits] = HOST.exec(text) ?? [];
    const port = digits === undefined ? PORT : Number(digits);
    if (host !== "" && port > 0 && port < 65_536) return [{ host: host.replace(/^\[(.*)\]$/, "$1"), port }];
    problems.push(`storer-etcd: a host in the address is missing, or is none: write it like ${EXAMPLE}`);
    return [];
  });
}

function loginOf(credentials: string, problems: string[]): EtcdAddress["login"] {
  const at = credentials.indexOf(":");
  const [user, password] = at < 0 ? [credentials, ""] : [credentials.slice(0, at), credentials.slice(at + 1)];
  const login = { user: decoded(user), password: decoded(password) };
  if (login.user === null || login.password === null) {
    problems.push("storer-etcd: the user or the password in the address has a % that encodes nothing: write %25 for one that is meant");
    return null;
  }
  if (login.user === "" || login.password === "")
    problems.push(`storer-etcd: the address has an @, and no user or no password before it: write it like ${EXAMPLE}`);
  return { user: login.user, password: login.password };
}

function prefixOf(path: string, problems: string[]): string {
  const prefix = decoded(path.replace(/\/$/, "")) ?? "%";
  if (prefix === "") return PREFIX;
  if (!PREFIX_SHAPE.test(prefix) || prefix.length > LONGEST_PREFIX) {
    problems.push(
      `storer-etcd: the prefix in the address has letters, digits and - . _ only, with single slashes between its parts, and at most ${LONGEST_PREFIX} characters`,
    );
  }
  return prefix;
}

function tlsOf(params: URLSearchParams, isEncrypted: boolean, problems: string[]): TlsFiles | null {
  const files: Record<keyof TlsFiles, string | null> = { authorities: null, certificate: null, key: null };
  for (const [name, value] of params) {
    // A parameter that nobody reads would be one that somebody relies on. Its value may be a secret.
    if (!isParameter(name)) {
      problems.push(
        `storer-etcd: the parameter ${JSON.stringify(name)} in the address is unknown: there are ${Object.keys(PARAMETERS).join(", ")}`,
      );
    } else files[PARAMETERS[name]] = value;
  }
  if (!isEncrypted && Object.values(files).some((file) => file !== null)) {
    problems.push("storer-etcd: files of certificates go with encryption: write etcds:// in place of etcd://");
  }
  if ((files.certificate === null) !== (files.key === null)) problems.push("storer-etcd: sslcert and sslkey go together");
  return isEncrypted ? files : null;
}

/** What to tell Node of encryption; `undefined` for none. */
export async function tlsSettings(files: TlsFiles | null): Promise<TlsSettings | undefined> {
  if (!files) return undefined;
  const [ca, cert, key] = await Promise.all([
    contentOf("sslrootcert", files.authorities),
    contentOf("sslcert", files.certificate),
    contentOf("sslkey", files.key),
  ]);
  return { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) };
}

async function contentOf(name: string, file: string | null): Promise<string | null> {
  if (file === null) return null;
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new ConfigError([
      `storer-etcd: the file of ${name} cannot be read: ${error instanceof Error && "code" in error ? error.code : "no such file"}`,
    ]);
  }
}

/** For messages: without user and password. */
export const placeOf = ({ endpoints, prefix }: EtcdAddress): string =>
  `${prefix} on ${endpoints.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(", ")}`;
