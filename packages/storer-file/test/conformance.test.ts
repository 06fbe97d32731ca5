import { rm } from "node:fs/promises";
import { jsonFile } from "@castellan/storer-file";
import { conformance } from "@castellan/testkit";
import { describe, it } from "vitest";
import { newFile } from "./places.ts";

describe("a JSON file", () => {
  conformance(
    {
      make: async () => {
        const file = await newFile();
        await rm(file, { force: true });
        return jsonFile(file);
      },
    },
    { describe, it },
  );
});
