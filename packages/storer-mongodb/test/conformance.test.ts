import type { MongoStorer } from "@castellan/storer-mongodb";
import {
  conformance,
  countingConformance,
  failuresOf,
  lockableConformance,
  oauth2Conformance,
  oneTimePasswordsConformance,
} from "@castellan/testkit";
import type { MongoClient } from "mongodb";
import { MongoClient as MongoClient6 } from "mongodb6";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realUrl, startDatabases, type TestDatabases } from "./support/database.ts";

/** One server for all cases: each works in a database of its own. */
const backendOf = (databases: () => TestDatabases) => ({
  make: () => databases().open(),
  removeUser: async (storer: MongoStorer, pid: string) => {
    await storer.removeUser(pid);
  },
});

describe(`MongoDB (${realUrl === undefined ? "the stand-in" : "a real server"})`, () => {
  let databases: TestDatabases;
  beforeAll(async () => {
    databases = await startDatabases();
  });
  afterAll(() => databases.end());

  conformance<MongoStorer>(
    backendOf(() => databases),
    { describe, it },
  );

  it("was asked in all of this for nothing that no index serves", () => {
    // A real server does not tell.
    expect(databases.standIn?.scans ?? []).toEqual([]);
  });
});

describe("MongoDB by driver 6", () => {
  it("keeps the promises that lean on the driver's answers most", async () => {
    // The other driver has the same methods; its types are of another package.
    const databases = await startDatabases(MongoClient6 as unknown as typeof MongoClient);
    try {
      const backend = backendOf(() => databases);
      for (const suite of [countingConformance, lockableConformance, oneTimePasswordsConformance, oauth2Conformance]) {
        expect(await failuresOf<MongoStorer>(backend, suite)).toEqual([]);
      }
    } finally {
      await databases.end();
    }
  });
});
