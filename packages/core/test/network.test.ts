import { isIPv4 } from "node:net";
import { networkOf } from "@castellan/core";
import { seededRandom } from "@castellan/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("the network of a request", () => {
  it.each(["192.0.2.1", "0.0.0.0", "255.255.255.255", "127.0.0.1"])("is a whole IPv4 address: %s", (address) => {
    expect(networkOf(address)).toBe(address);
  });

  it.each([
    "::ffff:192.0.2.1",
    "::FFFF:192.0.2.1",
    "::ffff:c000:201",
    "::ffff:C000:0201",
    "0:0:0:0:0:ffff:192.0.2.1",
    "0000:0000:0000:0000:0000:ffff:c000:0201",
    "0::ffff:192.0.2.1",
    "::0:ffff:192.0.2.1",
    "::ffff:192.0.2.1%eth0",
  ])("is the same in every form of an IPv4 address that is mapped into IPv6 (R42): %s", (address) => {
    expect(networkOf(address)).toBe("192.0.2.1");
  });

  it("is the same for IPv4 and its mapped form, for every address, and another for every other (R42)", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (one, other) => {
        expect(networkOf(`::ffff:${one}`)).toBe(one);
        expect(networkOf(`::ffff:${one}`) === networkOf(`::ffff:${other}`)).toBe(one === other);
      }),
    );
  });

  it.each([
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:0000:0000:0000:0001", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8::1:2:3:4:5", "2001:db8:0:1::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["1::", "1:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["fe80::1%25eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["::192.0.2.1", "0:0:0:0::/64"],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4::/64"],
  ])("is the first 64 bits of an IPv6 address, however it is written: %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it.each([
    ["192.0.2.1:4711", "192.0.2.1"],
    ["[2001:db8::1]", "2001:db8:0:0::/64"],
    ["[2001:db8::1]:443", "2001:db8:0:0::/64"],
    ["[::ffff:192.0.2.1]:443", "192.0.2.1"],
  ])("is that of the address without the port that some proxies add: %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it("is one for a thousand addresses of one subscriber, and another for the neighbour (R42)", () => {
    const { bytes } = seededRandom("addresses");
    const hosts = Array.from({ length: 1000 }, () => Buffer.from(bytes(8)).toString("hex").match(/.{4}/g)?.join(":"));
    expect(new Set(hosts.map((host) => networkOf(`2001:db8:1:2:${host}`)))).toEqual(new Set(["2001:db8:1:2::/64"]));
    expect(networkOf("2001:db8:1:3::1")).not.toBe(networkOf("2001:db8:1:2::1"));
  });

  it.each([
    [undefined],
    [""],
    [" "],
    ["unknown"],
    ["localhost"],
    ["_hidden"],
    ["192.0.2.1:"],
    ["192.0.2.1:123456"],
    ["192.0.2.1:80:80"],
    ["[192.0.2.1"],
    ["[2001:db8::1]x"],
    ["[2001:db8::1]:"],
    ["[]"],
    ["[]:80"],
    [" 192.0.2.1"],
    ["192.0.2.1 "],
    ["192.0.2.1, 198.51.100.1"],
    ["192.0.2"],
    ["192.0.2.256"],
    ["192.000.2.1"],
    ["0300.0.2.1"],
    ["0xc0.0.2.1"],
    ["3221225985"],
    ["1::2::3"],
    ["1:2:3:4:5:6:7"],
    ["1:2:3:4:5:6:7:8:9"],
    ["12345::"],
    ["::ffff:192.0.2.256"],
    ["::ffff:192.0.2"],
    ["%eth0"],
    ["::g"],
    ["' OR 1=1"],
    ["x".repeat(100_000)],
  ])("is one and the same for everything that is no address (R41): %j", (address) => {
    expect(networkOf(address)).toBe("unknown");
  });

  it("never throws, is short, and is of one of three forms", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.ipV4Extended(), fc.ipV6()), (address) => {
        const network = networkOf(address);
        expect(network.length).toBeLessThanOrEqual(24);
        expect(network === "unknown" || isIPv4(network) || /^([0-9a-f]{1,4}:){4}:\/64$/.test(network), network).toBe(true);
      }),
    );
  });
});
