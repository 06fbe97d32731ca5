import type { MongoStorer } from "@castellan/storer-mongodb";
import { conformance } from "@castellan/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";
import { realUrl, startDatabase, type TestDatabase } from "./support/database.ts";

describe(`MongoDB (${realUrl === undefined ? "the stand-in" : "a real server"})`, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startDatabase();
  });
  afterAll(() => database.end());

  conformance<MongoStorer>(
    {
      // One server for all cases: each works in a database of its own.
      make: () => database.open(),
      removeUser: async (storer, pid) => {
        await storer.removeUser(pid);
      },
    },
    { describe, it },
  );
});
