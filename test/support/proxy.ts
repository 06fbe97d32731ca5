/** A reverse proxy as an application may stand behind: it ends TLS, strips a prefix, and says so in headers, or does not. @module */
import { request } from "node:http";
import { type Listening, listen } from "@castellan/testkit";
import { onTestFinished } from "vitest";

export interface ProxyOptions {
  /** Taken off every path; what does not begin with it is answered with 404. */
  readonly prefix: string;
  /** Sent as X-Forwarded-Proto; `null` for a proxy that does not say. */
  readonly proto: string | null;
}

/** Starts a proxy in front of `target`; it is closed when the test is over. */
export async function startProxy(target: string, { prefix, proto }: ProxyOptions): Promise<Listening> {
  const server = await listen((req, res) => {
    const path = req.url ?? "/";
    if (path !== prefix && !path.startsWith(`${prefix}/`)) {
      res.statusCode = 404;
      res.end("not behind this proxy");
      return;
    }
    const headers = { ...req.headers, host: "inner.invalid", ...(proto !== null && { "x-forwarded-proto": proto }) };
    const onward = request(new URL(path.slice(prefix.length) || "/", target), { method: req.method, headers, agent: false }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(res);
    });
    onward.on("error", () => res.destroy());
    req.pipe(onward);
  });
  onTestFinished(() => server.close());
  return server;
}
