import { ConfigError, seconds } from "@castellan/core";
import { mysql } from "@castellan/storer-sql/mysql";
import { postgres, type ServerOptions } from "@castellan/storer-sql/postgres";
import { describe, expect, it } from "vitest";
import { loadMysql } from "../src/mysql/driver.ts";
import { loadPg } from "../src/postgres/driver.ts";
import { addressOf, placeOf } from "../src/server/address.ts";

const KIND = { schemes: ["postgres:", "postgresql:"], port: 5432 };

/** The problems that opening names. */
async function problemsOf(opening: () => unknown): Promise<string> {
  const error: unknown = await (async () => opening())().catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(ConfigError);
  return Object(error).problems.join("\n");
}

describe("the address of a server", () => {
  it("may have a port, and whatever letters in its parts, percent-encoded", () => {
    const uri =
      "postgresql://o%27br%C3%ADen:p%25w%2F%40%3A%23%3F-_.~@db.example.com:6543/the%20app?sslmode=verify-full&sslrootcert=/etc/ca.pem";
    expect(addressOf(uri, KIND)).toEqual({
      host: "db.example.com",
      port: 6543,
      user: "o'bríen",
      password: "p%w/@:#?-_.~",
      database: "the app",
      tls: "verify",
      authorities: "/etc/ca.pem",
    });
  });

  it.each([
    ["postgres://u@h/d", { host: "h", port: 5432, password: "", tls: "disable" }],
    ["postgres://u:p@127.0.0.1/d", { host: "127.0.0.1" }],
    ["postgres://u:p@[::1]:99/d", { host: "::1", port: 99 }],
    ["postgres://u:p@127tricky.example/d", { host: "127tricky.example" }],
    ["postgres://u:p@h/d?sslmode=disable", { tls: "disable" }],
    ["postgres://u:p@h/d?sslmode=require", { tls: "verify" }],
    ["postgres://u:p@h/d?sslmode=no-verify", { tls: "no-verify" }],
    ["postgres://u:p@h/d?sslrootcert=ca.pem", { tls: "verify", authorities: "ca.pem" }],
  ])("%s is read", (uri, parts) => {
    expect(addressOf(uri, KIND)).toMatchObject(parts);
  });

  it.each([
    ["", /no URI like postgres:\/\//],
    ["nonsense", /no URI like/],
    ["mysql://u:hunter2@h/d", /no URI like postgres:\/\//],
    ["postgres://u:hunter2@h:port/d", /no URI like/],
    ["postgres://u:hun/ter2@h/d", /no URI like|names no user|names no database/],
    ["postgres:///d", /names no host[\s\S]*names no user/],
    ["postgres://h/d", /names no user/],
    ["postgres://u:hunter2@h", /names no database/],
    ["postgres://u:hunter2@h/d/e", /names no database, or more than one/],
    ["postgres://u:hunter2%zz@h/d", /% that encodes nothing/],
    ["postgres://u:p@h/d#hunter2", /has a #/],
    ["postgres://u:p@h/d?sslmode=prefer", /sslmode is one of disable, no-verify, require, verify-full/],
    ["postgres://u:p@h/d?sslmode=toString", /sslmode is one of/],
    ["postgres://u:p@h/d?sslmode=disable&sslrootcert=hunter2", /sslrootcert goes with sslmode=verify-full/],
    ["postgres://u:p@h/d?secret=hunter2", /parameter "secret" .* is unknown/],
    [undefined, /no URI like/],
  ])("%s is refused with its mend, and never repeated", async (uri, problem) => {
    const problems = await problemsOf(() => addressOf(uri, KIND));
    expect(problems).toMatch(problem);
    expect(problems).not.toMatch(/hunter2|ter2/);
  });

  it("is told in messages without user and password", () => {
    expect(placeOf(addressOf("postgres://u:hunter2@[::1]/d", KIND))).toBe("d on [::1]:5432");
  });

  it("may name a file of certificates, which must be there", async () => {
    const problems = await problemsOf(() => postgres("postgres://u:hunter2@h/d?sslrootcert=/nowhere/ca.pem"));
    expect(problems).toMatch(/sslrootcert cannot be read: ENOENT/);
  });
});

describe.each([
  ["postgres", postgres, "postgres://u:p@h/d"],
  ["mysql", mysql, "mysql://u:p@h/d"],
] as const)("%s()", (_, open, uri) => {
  it("lists all that is wrong with its options", async () => {
    // As plain JavaScript might: no compiler has looked at it.
    const options = { uri, connections: 0, connectTimeout: -1, statementTimeout: "5s", onQuery: "log" } as unknown as ServerOptions;
    await expect(open(options)).rejects.toMatchObject({ problems: { length: 4 } });
  });

  it("asks for a whole address, with its own scheme", async () => {
    expect(await problemsOf(() => open("redis://h"))).toContain(uri.slice(0, uri.indexOf("//") + 2));
  });

  it("connects to nobody before it is used", async () => {
    const storer = await open({ uri: uri.replace("@h/", "@127.0.0.1:1/"), connectTimeout: seconds(1) });
    await expect(storer.load("pid")).rejects.toMatchObject({
      code: "CASTELLAN_UNAVAILABLE",
      message: expect.stringContaining("d on 127.0.0.1:1"),
    });
    await storer.close();
  });
});

describe("a driver that is missing", () => {
  it.each([
    ["PostgreSQL", loadPg],
    ["MySQL or MariaDB", loadMysql],
  ] as const)("for %s is named with what to install, and so is another package in its place", async (database, load) => {
    for (const name of ["no-such-driver", "node:path"]) {
      expect(await problemsOf(() => load(name))).toContain(`${database} needs the package ${name}: run \`npm install ${name}\``);
    }
    await expect(load()).resolves.toBeDefined();
  });
});
