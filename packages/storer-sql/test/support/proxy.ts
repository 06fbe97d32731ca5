/** Stands between a storer and its server, and can fall silent or cut what goes through it. @module */
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Proxy {
  /** The address of the server, by way of the proxy. */
  readonly uri: string;
  /** From now on nothing goes through, and nobody is told; or everything again, what was kept back first. */
  silence(isSilent: boolean): void;
  /** Ends every connection that there is. */
  cut(): void;
  connections(): number;
}

/** Goes when the test is over. */
export async function proxyTo(uri: string): Promise<Proxy> {
  const target = new URL(uri);
  const { hostname, port } = target;
  const sockets = new Set<Socket>();
  let isSilent = false;
  const kept = (socket: Socket): Socket => {
    sockets.add(socket);
    if (isSilent) socket.pause();
    return socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = kept(connect(Number(port), hostname));
    kept(client);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on("data", (data) => to.write(data)).on("close", () => to.destroy());
    }
    if (isSilent) for (const socket of [client, upstream]) socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  target.port = String(address.port);
  return {
    uri: target.href,
    silence(silent) {
      isSilent = silent;
      for (const socket of sockets) silent ? socket.pause() : socket.resume();
    },
    cut,
    connections: () => sockets.size / 2,
  };
}
