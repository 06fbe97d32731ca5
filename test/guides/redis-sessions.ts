/** Sessions in Redis, by connect-redis and redis. @module */
import { RedisStore } from "connect-redis";
import { createClient, type SetOptions } from "redis";

/** `patience` is how many milliseconds a request waits for Redis before it is answered with 503. */
export function redisSessions(url: string, patience = 3_000) {
  const client = createClient({
    url,
    // Commands would wait until the server is back, and with them every request.
    disableOfflineQueue: true,
    pingInterval: Math.ceil(patience / 2),
    socket: { connectTimeout: patience, socketTimeout: patience, reconnectStrategy: (tries) => Math.min(tries * 50, 1_000) },
  });
  const complain = (error: Error): void => console.error("sessions:", error.message);
  // Without a listener, a server that restarts would end this process.
  client.on("error", complain);
  // Where the server is away, this goes on until it is there or the client is destroyed.
  const connect = (): void => void client.connect().catch(complain);
  connect();

  // While other requests go on writing, the client itself waits for ever for a server that has fallen silent.
  const inTime = <Result>(answer: Promise<Result>): Promise<Result> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error("Redis does not answer"));
        if (!client.isReady) return;
        client.destroy();
        connect();
      }, patience);
      answer.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  const store = new RedisStore({
    prefix: "shop:session:",
    client: {
      get: (key: string) => inTime(client.get(key)),
      set: (key: string, text: string, options: SetOptions) => inTime(client.set(key, text, options)),
      expire: (key: string, seconds: number) => inTime(client.expire(key, seconds)),
      del: (keys: string[]) => inTime(client.del(keys)),
    },
  });
  return { store, client, close: async () => client.destroy() };
}
