/**
 * The client: one request after another to whichever server of the cluster answers. @module
 *
 * A request that was not sent may go to the next server. A read that got no answer may be asked once more. A write that got none is never repeated: nobody knows whether it was done, and done twice, "once" would answer its winner
 * that somebody else was first.
 */
import { ConfigError } from "@castellan/core";
import type { EtcdAddress, TlsSettings } from "../address.ts";
import { CODES, isElsewhereBetter, isTokenOver, Refused, refusalOf, TooLarge } from "./failures.ts";
import { Line, NoAnswer } from "./http.ts";
import { LARGEST_REQUEST, type TxnRequest, type TxnResponse } from "./wire.ts";

export interface ClientSettings {
  /** For one request, in milliseconds. */
  readonly timeout: number;
  /** To one server. */
  readonly connections: number;
}

/** A server without a leader says so at once, instead of waiting for one. */
const HEADERS = { "grpc-metadata-hasleader": "true" } as const;

/** How often a read may be asked in all. */
const READS = 2;

export class Client {
  readonly #lines: readonly Line[];
  readonly #login: EtcdAddress["login"];
  readonly #timeout: number;
  /** Where the last request was answered. */
  #current = 0;
  #token: Promise<string | null> | null = null;

  constructor({ endpoints, login }: EtcdAddress, tls: TlsSettings | undefined, { timeout, connections }: ClientSettings) {
    this.#lines = endpoints.map((endpoint) => new Line(endpoint, tls, connections));
    this.#login = login;
    this.#timeout = timeout;
  }

  /** The version of the server that answers, for example `3.4.23`. */
  async version(): Promise<string> {
    const reply: unknown = await this.#ask("GET", "/version", "", {}, READS);
    const version: unknown = typeof reply === "object" && reply !== null && "etcdserver" in reply ? reply.etcdserver : undefined;
    return typeof version === "string" ? version : "";
  }

  /** Without an operation that writes, it is a read. */
  async txn(request: TxnRequest): Promise<TxnResponse> {
    const body = JSON.stringify(request);
    // As etcd counts: its keys and values are bytes there, and base64 here.
    if (body.length * 0.75 > LARGEST_REQUEST) throw new TooLarge(`etcd takes at most ${LARGEST_REQUEST} bytes at once`);
    const isRead = request.success.every((operation) => "requestRange" in operation);
    // The answer of a server that speaks this protocol: the one place where that is taken on trust.
    return (await this.#authenticated("/v3/kv/txn", body, isRead ? READS : 1)) as TxnResponse;
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }

  async #authenticated(path: string, body: string, tries: number): Promise<unknown> {
    const token = await this.#tokenOnce();
    try {
      return await this.#ask("POST", path, body, authorization(token), tries);
    } catch (error) {
      if (token === null || !isTokenOver(error)) throw error;
      // It was refused before anything was done; of many who hear that at once, one asks for the new token.
      const renewed = (await this.#tokenOnce()) === token ? await this.#renewed() : await this.#tokenOnce();
      return this.#ask("POST", path, body, authorization(renewed), tries);
    }
  }

  #renewed(): Promise<string | null> {
    this.#token = null;
    return this.#tokenOnce();
  }

  #tokenOnce(): Promise<string | null> {
    this.#token ??= this.#authenticate().catch((error: unknown) => {
      this.#token = null;
      throw error;
    });
    return this.#token;
  }

  async #authenticate(): Promise<string | null> {
    if (!this.#login) return null;
    const { user, password } = this.#login;
    try {
      const reply: unknown = await this.#ask("POST", "/v3/auth/authenticate", JSON.stringify({ name: user, password }), {}, READS);
      const token: unknown = typeof reply === "object" && reply !== null && "token" in reply ? reply.token : undefined;
      if (typeof token === "string") return token;
    } catch (error) {
      if (!(error instanceof Refused) || isElsewhereBetter(error)) throw error;
      if (error.code === CODES.failedPrecondition) {
        throw new ConfigError([
          "storer-etcd: the address has a user, but etcd lets everybody in: enable its authentication, or remove the user from the address",
        ]);
      }
      throw new ConfigError(["storer-etcd: etcd knows no such user with this password"]);
    }
    throw new Refused("no token was given", CODES.unauthenticated);
  }

  /** Asks one server after another, `tries` times where the request may have been heard. */
  async #ask(
    method: "GET" | "POST",
    path: string,
    body: string,
    headers: Readonly<Record<string, string>>,
    tries: number,
  ): Promise<unknown> {
    let heard = 0;
    for (let asked = 1; ; asked += 1) {
      const index = this.#current;
      try {
        return await this.#askOne(index, method, path, body, headers);
      } catch (error) {
        if (!isElsewhereBetter(error)) throw error;
        this.#leave(index);
        if (!(error instanceof NoAnswer) || error.wasSent) heard += 1;
        const isOnlyOne = this.#lines.length === 1 && !(error instanceof NoAnswer && error.wasSent && !isLate(error));
        if (heard >= tries || isOnlyOne || asked > this.#lines.length) throw error;
      }
    }
  }

  async #askOne(
    index: number,
    method: "GET" | "POST",
    path: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const line = this.#lines[index];
    if (!line) throw new RangeError(`there is no server ${index}`);
    const reply = await line.send(method, path, body, { ...HEADERS, ...headers }, this.#timeout);
    if (reply.status !== 200) throw refusalOf(reply.status, reply.body);
    return parsed(reply.body);
  }

  #leave(index: number): void {
    this.#lines[index]?.dropIdle();
    // Of many who fail at once, the first leads all to the next one.
    if (this.#current === index) this.#current = (index + 1) % this.#lines.length;
  }
}

const authorization = (token: string | null): Readonly<Record<string, string>> => (token === null ? {} : { authorization: token });

const isLate = ({ cause }: NoAnswer): boolean => cause === undefined;

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Refused("the answer is no JSON: is this etcd?", CODES.unavailable);
  }
}
