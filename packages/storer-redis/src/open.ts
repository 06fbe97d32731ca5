/** Opens a connection of our own by an address. @module */
import { ConfigError, type Duration } from "@castellan/core";
import type { Redis } from "ioredis";
import type { ServerAddress } from "./address.ts";
import type { IoRedisClient } from "./client.ts";

/** How long a broken connection waits before it is made anew, in milliseconds: the longest of them is what a request may find closed after the server's return. */
const RECONNECT_MS = { step: 50, longest: 250 };

/** How long after an operation's own time a silent connection is given up, in milliseconds. */
const SILENCE_MS = 1_000;

/** After so many vain tries to connect, what waits for the connection is refused: in well under a second where connections are refused at once. */
const TRIES_BEFORE_REFUSAL = 2;

/** The driver, loaded with the first storer that needs it. */
export async function loadDriver(name = "ioredis"): Promise<typeof Redis> {
  try {
    // Whatever the name, it stands for this package: tests give one that is not there.
    const driver: typeof import("ioredis") = await import(name);
    return driver.Redis;
  } catch (error) {
    throw new ConfigError([
      `storer-redis: an address needs the package ioredis: run \`npm install ioredis\`, or hand in a client of your own (${error instanceof Error ? error.message : String(error)})`,
    ]);
  }
}

export interface Connection {
  readonly client: IoRedisClient;
  close(): Promise<void>;
}

/** A connection that is made with the first command, and made anew, without end, whenever it breaks. */
export async function openConnection(address: ServerAddress, timeout: Duration): Promise<Connection> {
  const Client = await loadDriver();
  const { host, port, user, password, database, isTls } = address;
  const driver = new Client({
    host,
    port,
    ...(user !== null && { username: user }),
    ...(password !== null && { password }),
    db: database,
    // Node checks the certificate, and for whom it is.
    ...(isTls && { tls: {} }),
    lazyConnect: true,
    connectTimeout: timeout,
    // A connection that says nothing any more is worth no second question: the server, or a new one under its name, may answer another.
    socketTimeout: timeout + SILENCE_MS,
    retryStrategy: (tries) => Math.min(tries * RECONNECT_MS.step, RECONNECT_MS.longest),
    maxRetriesPerRequest: TRIES_BEFORE_REFUSAL,
    // What was sent may have been done. Sent again, it might be done twice: "once" would answer its winner that somebody else was first.
    autoResendUnfulfilledCommands: false,
    // After a failover this is a replica now: the new address leads to the new master.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
  // Each command hears of it by its own failure; without a listener here, the event would end the process.
  let broken: Error | null = null;
  driver.on("error", (error: Error) => {
    broken = error;
  });
  driver.on("ready", () => {
    broken = null;
  });
  return {
    client: {
      async call(command, ...args) {
        try {
          return await driver.call(command, ...args);
        } catch (error) {
          // "Too many tries" says nothing to whoever has a wrong port, or a certificate that nobody believes in.
          throw broken !== null && error instanceof Error && error.name === "MaxRetriesPerRequestError" ? broken : error;
        }
      },
    },
    close: () => closeConnection(driver, timeout),
  };
}

/** Lets what was sent be answered, unless the server takes longer than `timeout`: a frozen one would keep the process from ending. */
async function closeConnection(driver: Redis, timeout: Duration): Promise<void> {
  if (driver.status === "ready") {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout);
    });
    await Promise.race([driver.quit().catch(() => {}), late]);
    clearTimeout(timer);
  }
  driver.disconnect();
}
