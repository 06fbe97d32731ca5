/** The database that the tests of the storer run on: a stand-in, or a real server where MONGODB_URL names one. @module */
import { type MongoStorer, mongodb } from "@castellan/storer-mongodb";
import { MongoClient } from "mongodb";
import { startMongo } from "./mongo-server.ts";

/** Of a server whose databases may be made and dropped at will, without the name of a database. */
export const realUrl = process.env["MONGODB_URL"];

export interface TestDatabase {
  /** Opens a storer on a database that nobody has used. */
  open(): Promise<MongoStorer>;
  /** Removes all that the storers left, and ends the stand-in. */
  end(): Promise<void>;
}

/** `mongodb://host:port/?x=y` with the name of a database. */
const uriOf = (url: string, database: string): string => {
  const [before = "", query] = url.split("?", 2);
  return `${before.replace(/\/*$/, "")}/${database}${query === undefined ? "" : `?${query}`}`;
};

export async function startDatabase(): Promise<TestDatabase> {
  const server = realUrl === undefined ? await startMongo() : null;
  const url = realUrl ?? `mongodb://127.0.0.1:${server?.port}/`;
  const names: string[] = [];
  return {
    open() {
      const name = `castellan-test-${process.pid}-${names.length}`;
      names.push(name);
      return mongodb(uriOf(url, name));
    },
    async end() {
      if (server) return server.end();
      const client = new MongoClient(url);
      for (const name of names) await client.db(name).dropDatabase();
      await client.close();
    },
  };
}
