/** Sessions in Redis, by connect-redis and redis. @module */
import { RedisStore } from "connect-redis";
import { createClient } from "redis";

/** `patience` is how many milliseconds Redis may be silent before its connection is given up and requests are answered with 503. */
export function redisSessions(url: string, patience = 3_000) {
  const client = createClient({
    url,
    // Commands would wait until the server is back, and with them every request.
    disableOfflineQueue: true,
    pingInterval: Math.ceil(patience / 2),
    socket: { connectTimeout: patience, socketTimeout: patience, reconnectStrategy: (tries) => Math.min(tries * 50, 1_000) },
  });
  // Without a listener, a server that restarts would end this process.
  client.on("error", (error: Error) => console.error("sessions:", error.message));
  // Where the server is away, this goes on until it is there or the client is destroyed.
  client.connect().catch((error: Error) => console.error("sessions:", error.message));
  const store = new RedisStore({ client, prefix: "shop:session:" });
  return { store, client, close: async () => client.destroy() };
}
