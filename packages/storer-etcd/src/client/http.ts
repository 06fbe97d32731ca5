/** One request to one server, within a bounded time. Says of a failure whether the server can have heard of the request. @module */
import { type IncomingMessage, Agent as PlainAgent, type RequestOptions, request as requestPlain } from "node:http";
import { request as requestEncrypted, Agent as TlsAgent } from "node:https";
import type { Socket } from "node:net";
import type { Endpoint, TlsSettings } from "../address.ts";

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** No answer came. */
export class NoAnswer extends Error {
  /** Whether the server may have the request, and may have done what it asks: then nobody may ask again. */
  readonly wasSent: boolean;

  constructor(message: string, wasSent: boolean, cause?: unknown) {
    super(message, { cause });
    this.name = "NoAnswer";
    this.wasSent = wasSent;
  }
}

/** How long a connection that nobody uses is kept, in milliseconds. */
const IDLE_MS = 30_000;

/** A server that cannot be reached must leave time for the next one. */
const CONNECT_MS = 1_000;

export class Line {
  readonly #endpoint: Endpoint;
  readonly #tls: TlsSettings | undefined;
  readonly #agent: PlainAgent;
  /** Those over which requests may have gone out: the agent hands them on from one request to the next. */
  readonly #connected = new WeakSet<Socket>();

  constructor(endpoint: Endpoint, tls: TlsSettings | undefined, connections: number) {
    this.#endpoint = endpoint;
    this.#tls = tls;
    const settings = { keepAlive: true, maxSockets: connections, timeout: IDLE_MS, scheduling: "lifo" as const };
    this.#agent = tls ? new TlsAgent({ ...settings, ...tls }) : new PlainAgent(settings);
  }

  send(method: "GET" | "POST", path: string, body: string, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Reply> {
    const options: RequestOptions = {
      host: this.#endpoint.host,
      port: this.#endpoint.port,
      agent: this.#agent,
      method,
      path,
      headers: { ...headers, ...(method === "POST" && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }) },
    };
    return new Promise((resolve, reject) => {
      let isConnected = false;
      const outgoing = (this.#tls ? requestEncrypted : requestPlain)(options);
      const fail = (message: string, cause?: unknown) => {
        clearTimeout(timer);
        clearTimeout(connecting);
        reject(new NoAnswer(message, isConnected, cause));
        outgoing.destroy();
      };
      // Where this process was busy for long, what has come in the meantime is looked at first.
      const timer = setTimeout(() => setImmediate(fail, `no answer within ${timeoutMs} ms`), timeoutMs);
      let connecting: NodeJS.Timeout | undefined;
      outgoing.on("socket", (socket) => {
        if (this.#connected.has(socket)) {
          isConnected = true;
          return;
        }
        socket.once(this.#tls ? "secureConnect" : "connect", () => {
          this.#connected.add(socket);
          isConnected = true;
        });
        connecting = setTimeout(() => {
          setImmediate(() => {
            if (!isConnected) fail("no connection in time");
          });
        }, CONNECT_MS);
      });
      outgoing.on("error", (error) => fail(error.message || ("code" in error ? String(error.code) : error.name), error));
      outgoing.on("response", (incoming) => {
        bodyOf(incoming).then(
          (text) => {
            clearTimeout(timer);
            clearTimeout(connecting);
            resolve({ status: incoming.statusCode ?? 0, body: text });
          },
          (error: unknown) => fail(error instanceof Error ? error.message : String(error), error),
        );
      });
      outgoing.end(method === "POST" ? body : undefined);
    });
  }

  /** After a failure: connections of the same time are likely as broken, and nobody has told them yet. */
  dropIdle(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
