/** What an address may be, and what is said of one that is none: never the address, which holds a password. */
import { ConfigError } from "@castellan/core";
import { redis } from "@castellan/storer-redis";
import { describe, expect, it } from "vitest";
import { addressOf } from "../src/address.ts";

describe("the address of a server", () => {
  it("may have a port, a number of a database, and whatever letters in its parts, percent-encoded", () => {
    expect(addressOf("rediss://o%27br%C3%ADen:p%25w%2F%40%3A%23%3F-_.~@db.example.com:6543/7")).toEqual({
      host: "db.example.com",
      port: 6543,
      user: "o'bríen",
      password: "p%w/@:#?-_.~",
      database: 7,
      isTls: true,
    });
  });

  it.each([
    ["redis://h", { host: "h", port: 6379, user: null, password: null, database: 0, isTls: false }],
    ["redis://h/", { database: 0 }],
    ["redis://:secret@h", { user: null, password: "secret" }],
    ["redis://[::1]:99/1", { host: "::1", port: 99, database: 1 }],
    ["REDISS://h", { isTls: true }],
  ])("%s is read", (uri, parts) => {
    expect(addressOf(uri)).toMatchObject(parts);
  });

  it.each([
    ["", /no URI like redis:\/\//],
    ["localhost:6379", /no URI like/],
    ["http://u:hunter2@h", /no URI like/],
    ["redis://u:hunter2@h:port", /no URI like/],
    ["redis://u:hun/ter2@h", /no URI like|number of a database/],
    ["redis:///0", /names no host/],
    ["redis://", /names no host/],
    ["redis://hunter2@h", /names a user and no password/],
    ["redis://u:hunter2@h/first", /number of a database/],
    ["redis://u:hunter2@h/1/2", /number of a database/],
    ["redis://u:hunter2%zz@h", /% that encodes nothing/],
    ["redis://u:p@h/0#hunter2", /has a #/],
    ["redis://u:p@h/0?db=hunter2", /takes no parameters/],
  ])("%j is refused with its mend, and not told", async (uri, mend) => {
    const failure: unknown = await redis(uri).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(String(failure)).toMatch(mend);
    expect(String(failure)).not.toContain("hunter2");
  });
});
