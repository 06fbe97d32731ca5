/** The database that the tests of the storer run on: a stand-in, or a real server where MONGODB_URL names one. @module */
import { type MongoOptions, type MongoStorer, mongodb } from "@castellan/storer-mongodb";
import { MongoClient } from "mongodb";
import { type MongoServer, startMongo } from "./mongo-server.ts";

/** Of a server whose databases may be made and dropped at will, without the name of a database. */
export const realUrl = process.env["MONGODB_URL"];

export interface TestDatabases {
  readonly client: MongoClient;
  /** `null` where the server is a real one. */
  readonly standIn: MongoServer | null;
  /** A storer on a database that nobody has used, over the one client. */
  open(options?: Partial<MongoOptions>): Promise<MongoStorer>;
  /** The name of the database that was opened last. */
  readonly name: string;
  /** Removes all that the storers left, and ends the stand-in. */
  end(): Promise<void>;
}

export async function startDatabases(Client: typeof MongoClient = MongoClient): Promise<TestDatabases> {
  const standIn = realUrl === undefined ? await startMongo() : null;
  const client = new Client(realUrl ?? `mongodb://127.0.0.1:${standIn?.port}/`, { serverSelectionTimeoutMS: 5_000 });
  const names: string[] = [];
  // Two runs at once, or a thread of the same process, have others.
  const run = `${process.pid}-${Math.round(performance.timeOrigin + performance.now() * 1000)}`;
  return {
    client,
    standIn,
    get name() {
      return names.at(-1) ?? "";
    },
    open(options) {
      const database = `castellan-test-${run}-${names.length}`;
      names.push(database);
      return mongodb({ client, database, ...options });
    },
    async end() {
      if (!standIn) for (const name of names) await client.db(name).dropDatabase();
      await client.close();
      await standIn?.end();
    },
  };
}
