/** The database that the tests of the storer run on: a stand-in, or a real server where MONGODB_URL names one. @module */
import { type MongoStorer, mongodb } from "@castellan/storer-mongodb";
import { MongoClient } from "mongodb";
import { type MongoServer, startMongo } from "./mongo-server.ts";

/** Of a server whose databases may be made and dropped at will, without the name of a database. */
export const realUrl = process.env["MONGODB_URL"];

export interface TestDatabases {
  /** `null` where the server is a real one. */
  readonly standIn: MongoServer | null;
  /** A storer on a database that nobody has used, over the one client. The database goes when the storer is closed: a real server has files for each. */
  open(): Promise<MongoStorer>;
  end(): Promise<void>;
}

export async function startDatabases(Client: typeof MongoClient = MongoClient): Promise<TestDatabases> {
  const standIn = realUrl === undefined ? await startMongo() : null;
  const client = new Client(realUrl ?? `mongodb://127.0.0.1:${standIn?.port}/`, { serverSelectionTimeoutMS: 5_000 });
  // Two runs at once, or a thread of the same process, have others.
  const run = `${process.pid}-${Math.round(performance.timeOrigin + performance.now() * 1000)}`;
  let opened = 0;
  return {
    standIn,
    async open() {
      opened += 1;
      const database = `castellan-test-${run}-${opened}`;
      const storer = await mongodb({ client, database });
      return {
        ...storer,
        async close() {
          await storer.close();
          await client.db(database).dropDatabase();
        },
      };
    },
    async end() {
      await client.close();
      await standIn?.end();
    },
  };
}
