/** Opens a client of our own by an address. An address holds a password: it is never quoted. @module */
import { ConfigError, type Duration } from "@castellan/core";
import type { MongoClient } from "mongodb";

type Driver = typeof import("mongodb");

const EXAMPLE = "mongodb://user:password@host:27017/database";

/** How long after an operation's own time a silent connection is given up, in milliseconds. */
const SILENCE_MS = 1_000;

const messageOf = (error: unknown): string => (error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));

/** The driver, loaded with the first storer that needs it. */
export async function loadDriver(name = "mongodb"): Promise<Driver> {
  try {
    // Whatever the name, it stands for this package: tests give one that is not there.
    const driver: Driver = await import(/* @vite-ignore */ name);
    return driver;
  } catch (error) {
    throw new ConfigError([
      `storer-mongodb: an address needs the package mongodb: run \`npm install mongodb\`, or hand in a client of your own (${messageOf(error)})`,
    ]);
  }
}

/** The name of the database in an address: `null` where it says none, or is none. */
export function databaseOf(uri: unknown): string | null {
  // Several hosts are no URL to Node, so it is read by hand.
  const name = typeof uri === "string" ? /^mongodb(?:\+srv)?:\/\/[^/?#]+\/([^/?#]+)(?:\?[^#]*)?$/.exec(uri)?.[1] : undefined;
  try {
    return name === undefined ? null : decodeURIComponent(name);
  } catch {
    return null;
  }
}

export interface Times {
  readonly timeout: Duration;
  readonly connectTimeout: Duration;
}

/** A client that connects with the first command, and anew, without end, whenever a connection breaks. */
export async function openClient(uri: string, { timeout, connectTimeout }: Times): Promise<MongoClient> {
  if (databaseOf(uri) === null) {
    throw new ConfigError([
      `storer-mongodb: the address of the database is no URI like ${EXAMPLE}, or mongodb+srv://…, with the name of a database; in the user and the password, everything but letters, digits and - . _ ~ must be percent-encoded`,
    ]);
  }
  const { MongoClient: Client } = await loadDriver();
  try {
    return new Client(uri, {
      appName: "castellan",
      serverSelectionTimeoutMS: connectTimeout,
      connectTimeoutMS: connectTimeout,
      waitQueueTimeoutMS: connectTimeout,
      // A connection that says nothing any more is worth no second question.
      socketTimeoutMS: timeout + SILENCE_MS,
    });
  } catch (error) {
    // Its words may hold the address.
    const kind = error instanceof Error ? error.name : "an error";
    throw new ConfigError([
      `storer-mongodb: the driver refuses the address of the database (${kind}): write it like ${EXAMPLE}, with the parameters that the MongoDB manual lists under "connection strings"`,
    ]);
  }
}
