import { ConfigError } from "@castellan/core";
import { etcd } from "@castellan/storer-etcd";
import { describe, expect, it } from "vitest";
import { addressOf, placeOf } from "../src/address.ts";

describe("an address", () => {
  it("has servers, and port 2379 and the prefix `castellan` unless it says others", () => {
    expect(addressOf("etcd://db.example")).toEqual({
      endpoints: [{ host: "db.example", port: 2379 }],
      login: null,
      prefix: "castellan",
      tls: null,
    });
  });

  it("may have several, a user with a password, a prefix of parts, and files of certificates", () => {
    const address = addressOf("etcds://a%20b:p%40ss%3A@a:1,b.example,[::1]:3/shop/eu?sslrootcert=ca.pem&sslcert=me.pem&sslkey=me.key");
    expect(address).toEqual({
      endpoints: [
        { host: "a", port: 1 },
        { host: "b.example", port: 2379 },
        { host: "::1", port: 3 },
      ],
      login: { user: "a b", password: "p@ss:" },
      prefix: "shop/eu",
      tls: { authorities: "ca.pem", certificate: "me.pem", key: "me.key" },
    });
    expect(placeOf(address)).toBe("shop/eu on a:1, b.example:2379, [::1]:3");
  });

  const SECRET = "hush";
  it.each([
    ["", /no URI like/],
    ["localhost:2379", /no URI like/],
    [`http://${SECRET}@localhost`, /no URI like/],
    ["etcd://", /a host in the address is missing/],
    ["etcd://a,,b", /a host in the address is missing/],
    ["etcd://a:0", /a host/],
    ["etcd://a:65536", /a host/],
    ["etcd://a_:x", /a host/],
    [`etcd://user@a`, /no user or no password/],
    [`etcd://:${SECRET}@a`, /no user or no password/],
    [`etcd://user:${SECRET}%@a`, /encodes nothing/],
    [`etcd://user:${SECRET}/x@a`, /no URI like|a host/],
    ["etcd://a/b//c", /the prefix/],
    ["etcd://a/b c", /the prefix/],
    [`etcd://a/${"x".repeat(201)}`, /at most 200/],
    [`etcd://a?pass=${SECRET}`, /the parameter "pass" in the address is unknown/],
    ["etcd://a?sslrootcert=ca.pem", /write etcds/],
    ["etcds://a?sslcert=me.pem", /sslcert and sslkey go together/],
  ])("that cannot be one is refused with the mend, and without its secrets: %s", async (uri, message) => {
    const failure: unknown = await etcd(uri).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(String(failure)).toMatch(message);
    expect(String(failure)).not.toContain(SECRET);
  });

  it("with several mistakes is refused with all of them at once", () => {
    expect(() => addressOf("etcd://a:0/b c?x=1")).toThrow(expect.objectContaining({ problems: expect.objectContaining({ length: 3 }) }));
  });
});

describe("options", () => {
  it("that are wrong are listed all at once", async () => {
    // As plain JavaScript might: no compiler has looked at it.
    const options = { uri: "etcd://localhost", timeout: -1, connections: 0, onQuery: "log" } as unknown as Parameters<typeof etcd>[0];
    const failure = await etcd(options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({ problems: { length: 3 } });
  });
});
