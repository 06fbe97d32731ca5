import { sqlite } from "@castellan/storer-sql/sqlite";
import { conformance } from "@castellan/testkit";
import { describe, it } from "vitest";
import { newFile, withFile } from "./support/places.ts";

describe("SQLite in memory", () => {
  conformance(() => sqlite(":memory:"), { describe, it });
});

describe("SQLite on a file", () => {
  let file = "";
  conformance(
    {
      make: async () => {
        file = await newFile();
        return sqlite(file);
      },
      removeUser: (_, pid) =>
        withFile(file, (_all, exec) => exec(`PRAGMA foreign_keys = ON; DELETE FROM castellan_user WHERE pid = '${pid}'`)),
    },
    { describe, it },
  );
});
