/** Starts an application for a test, on a free port that only this machine can reach. @module */
import { createServer, type RequestListener } from "node:http";

export interface Listening {
  /** For example `http://127.0.0.1:40123`, without a slash at the end. */
  readonly url: string;
  /** Stops listening and cuts every connection. */
  close(): Promise<void>;
}

/** Starts `app` (an Express application is a request listener) on a free port of 127.0.0.1. */
export async function listen(app: RequestListener): Promise<Listening> {
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
