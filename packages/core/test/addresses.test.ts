import { parseAddress } from "@castellan/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("an e-mail address", () => {
  it.each([
    ["ann@example.com", "ann@example.com"],
    ["Ann.Smith+news@Example.COM", "Ann.Smith+news@example.com"],
    ["!#$%&'*+/=?^_`{|}~-@example.com", "!#$%&'*+/=?^_`{|}~-@example.com"],
    ["a@b.co", "a@b.co"],
    ["a@1and1.com", "a@1and1.com"],
    ["a@bücher.example", "a@xn--bcher-kva.example"],
    ["a@BÜCHER.example", "a@xn--bcher-kva.example"],
    ["a@xn--bcher-kva.example", "a@xn--bcher-kva.example"],
    ["a@faß.de", "a@xn--fa-hia.de"],
    ["a@ｅxample。com", "a@example.com"],
    ["a@日本.jp", "a@xn--wgv71a.jp"],
  ])("is taken with its domain in ASCII and lower case, its local part untouched: %s", (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  it("has at most 64 signs in front of the @ and 254 in all", () => {
    const domain = `${"d".repeat(60)}.${"e".repeat(60)}.${"f".repeat(60)}.${"g".repeat(10)}.com`;
    expect(parseAddress(`${"a".repeat(64)}@example.com`)).not.toBeNull();
    expect(parseAddress(`${"a".repeat(65)}@example.com`)).toBeNull();
    expect(parseAddress(`${"a".repeat(254 - domain.length - 1)}@${domain}`)).toHaveLength(254);
    expect(parseAddress(`${"a".repeat(255 - domain.length - 1)}@${domain}`)).toBeNull();
  });

  it("is measured again after its domain was brought to ASCII", () => {
    const label = "日月火水木金土年時分秒春";
    const address = `${"a".repeat(60)}@${`${label}.`.repeat(10)}com`;
    expect(address.length).toBeLessThan(254);
    expect(parseAddress(address)).toBeNull();
    expect(parseAddress(`a@${label}.com`)).not.toBeNull();
  });

  it("has labels of at most 63 signs", () => {
    expect(parseAddress(`a@${"d".repeat(63)}.com`)).not.toBeNull();
    expect(parseAddress(`a@${"d".repeat(64)}.com`)).toBeNull();
  });
});

describe("what is not exactly one address", () => {
  const refused = (text: string) => expect(parseAddress(text), JSON.stringify(text)).toBeNull();

  it.each([
    "ann@example.com\r\nBcc: evil@example.org",
    "ann@example.com\nBcc: evil@example.org",
    "ann@example.com\rBcc: evil@example.org",
    "ann\r\nBcc: evil@example.com",
    "ann@example.com%0d%0aBcc: evil@example.org",
    "ann@example.com\u2028evil",
    "ann@exam\u2029ple.com",
    "ann@example.com\u0085",
    "=?utf-8?q?ann?=@example.com,evil@example.org",
    "ann@=?utf-8?q?example?=.com",
    "ann@example.com\0",
    "ann\0@example.com",
    "ann@example.com\u0000.example.org",
    "ann@example.com\t",
    "\nann@example.com",
  ])("cannot make another header or recipient of a mail (R92): %j", refused);

  it.each([
    '"evil@x"@victim.example',
    '"ann"@victim.example',
    '"ann smith"@victim.example',
    "victim@y.example(evil@x.example)",
    "(evil@x.example)victim@y.example",
    "victim(comment)@y.example",
    "<evil@x.example> victim@y.example",
    "Ann <ann@example.com>",
    "<ann@example.com>",
    "victim@y.example >evil@x.example",
    "evil@x.example;victim@y.example",
    "evil@x.example,victim@y.example",
    "victim@y.example .evil.example",
    "victim@y.example.evil.example ",
    "@relay.example:ann@example.com",
    "ann%evil.example@",
    "ann\\@evil@example.com",
    "mailto:ann@example.com",
    "ann@example.com?cc=evil@x.example",
    "group: ann@example.com;",
    "=?utf-8?q?evil=40x.example=2c?=@victim.example",
    "=?x?B?ZXZpbEB4?=@victim.example",
  ])("is refused before two parsers can disagree about where it goes (R93): %j", refused);

  it.each([
    "a@evil.com@corp.com",
    "a@@corp.com",
    "a@corp.com@",
    "@a@corp.com",
    "a@evil.com＠corp.com",
    "a＠corp.com",
    "a@x\uFF20y.com",
    "a@evil.com%40corp.com",
  ])("has one @, whatever a domain rule would make of several (R104): %j", refused);

  it.each([
    "",
    "@",
    "a",
    "a@",
    "@example.com",
    "example.com",
    ".a@example.com",
    "a.@example.com",
    "a..b@example.com",
    "a b@example.com",
    "a@example",
    "a@localhost",
    "a@.example.com",
    "a@example..com",
    "a@example.com.",
    "a@-example.com",
    "a@example-.com",
    "a@exa_mple.com",
    "a@example.com/path",
    "a@example.com:25",
    "a@example.com#x",
    "a@exam%70le.com",
    "a@[127.0.0.1]",
    "a@[IPv6:::1]",
    "a@127.0.0.1",
    "a@0x7f.0.0.1",
    "a@2130706433",
    "a@example.123",
    "a@example.0x10",
    "a@xn--.com",
    "a@xn--a.com",
    "a@xn--a-.com",
    "a@xn--xn---epa.com",
    "ä@example.com",
    "ａ@example.com",
    "a\u0301@example.com",
    "a@exam\ud800ple.com",
    "\udc00@example.com",
    "a@℀.com",
    "a@exam／ple.com",
    "a@example．com／evil.com",
  ])("is nobody's address: %j", refused);

  it("costs no more than its length", () => {
    // A grammar that backtracks would not come back from these.
    for (const text of [`${"a.".repeat(120)}@`, `a@${"a-".repeat(120)}`, `a@${"a".repeat(1_000_000)}`, "@".repeat(1_000_000)])
      refused(text);
  });
});

describe("parsing an address", () => {
  it("never throws; what comes out is one plain address and stays what it is when parsed again", () => {
    const likely = fc
      .tuple(fc.string({ unit: "grapheme", maxLength: 20 }), fc.string({ unit: "binary", maxLength: 20 }))
      .map(([local, domain]) => `${local}@${domain}.com`);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), likely, fc.emailAddress()), (text) => {
        const address = parseAddress(text);
        if (address === null) return;
        expect(address).toMatch(/^[^\s@,;:<>()[\]\\"\u0080-\uffff]+@[a-z0-9.-]+$/);
        expect(parseAddress(address)).toBe(address);
      }),
      { numRuns: 2000 },
    );
  });
});
