import { describe, expect, it } from "vitest";
import { newFile, openStorer, withFile } from "./support/places.ts";
import { startTen } from "./support/processes.ts";
import { raceOfTwo } from "./support/races.ts";

describe("several processes on one file", () => {
  it("let exactly one of two win each user, challenge, password change, link, series, mail, replaced sign-in, identity and flow, and count together", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    await raceOfTwo(storer, file, 150);
  });

  it("may all start at once, ten of them, on a file that is not there yet: one makes the schema, all of them work", async () => {
    const file = await newFile();
    const lines = await startTen(file);
    expect(lines.filter((line) => line === "made 1")).toHaveLength(1);
    expect(lines.filter((line) => line === "made 0")).toHaveLength(9);
    expect(lines.filter((line) => line === "registered true")).toHaveLength(10);
    expect(await withFile(file, (all) => all("SELECT count(*) AS users FROM castellan_user"))).toEqual([{ users: 10 }]);
  });
});
