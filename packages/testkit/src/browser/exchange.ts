/** One request and its answer over node:http, with every header line exactly as given. @module */
import { type IncomingHttpHeaders, request } from "node:http";

/** Header lines in their order; a name may stand there twice. */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

export interface Outgoing {
  readonly method: string;
  /** Where to connect to. */
  readonly server: URL;
  /** Path and query. */
  readonly target: string;
  readonly headers: HeaderLines;
  readonly body: string | Uint8Array | null;
}

export interface Incoming {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends a request over a connection of its own: none is left open for a later test to trip over. */
export function exchange({ method, server, target, headers, body }: Outgoing): Promise<Incoming> {
  const flat = headers.flat();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: server.hostname.replace(/^\[|\]$/g, ""), port: server.port || 80, method, path: target, headers: flat, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body ?? undefined);
  });
}
