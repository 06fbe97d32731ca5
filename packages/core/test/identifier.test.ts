import { emailIdentifier, type Identifier, usernameIdentifier } from "@castellan/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const email = emailIdentifier();
const username = usernameIdentifier();

/** Texts near those that are accepted, so that the property is about more than refusals. */
const nearly = (pieces: readonly string[]) =>
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary", maxLength: 2 })), { maxLength: 12 })
    .map((parts) => parts.join(""));

const TRICKY = [
  "a",
  "Z",
  "ᴮ",
  "Ｂ",
  "ﬁ",
  "ß",
  "ẞ",
  "ı",
  "İ",
  "K",
  "Å",
  "Σ",
  "ς",
  "ª",
  "²",
  "①",
  "\u0345",
  "\u0301",
  "\u200d",
  "\u00ad",
  "é",
  "日",
];

const isStable = (identifier: Identifier, text: string): void => {
  const once = identifier.normalize(text);
  if (once !== null) expect(identifier.normalize(once), JSON.stringify(text)).toBe(once);
};

describe.each([
  ["e-mail addresses", email],
  ["user names", username],
])("the rule for %s", (_what, identifier) => {
  it("changes nothing when it is applied a second time, and never throws (R102)", () => {
    const texts = fc.oneof(
      nearly([...TRICKY, "@", ".", "example.com", "@example.com", "-", "_", " "]),
      nearly(TRICKY).map((local) => `${local}@example.com`),
      nearly(TRICKY).map((domain) => `ann@${domain}.com`),
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }),
    );
    fc.assert(
      fc.property(texts, (text) => isStable(identifier, text)),
      { numRuns: 5000 },
    );
  });

  it("changes nothing when it is applied a second time, for every single character (R102)", () => {
    // Beyond these planes, and within them at what is skipped, nothing has a second form.
    for (let point = 0; point <= 0x3ffff; point += 1) {
      const character = String.fromCodePoint(point);
      if (/^(\p{Lo}|\p{Cn}|\p{Co})$/u.test(character) && character.normalize("NFKC") === character) continue;
      const text = identifier === email ? `ann@a${character}b.com` : `a${character}b`;
      const once = identifier.normalize(text);
      if (once !== null && identifier.normalize(once) !== once) expect.unreachable(`U+${point.toString(16)}`);
    }
  });
});

describe("a login by e-mail address", () => {
  it.each([
    ["Ann@Example.COM", "ann@example.com"],
    ["  ann@example.com\t\n", "ann@example.com"],
    ["\u00a0ann@example.com\u3000", "ann@example.com"],
    ["ANN+News@EXAMPLE.com", "ann+news@example.com"],
    ["ann@BÜCHER.example", "ann@xn--bcher-kva.example"],
    ["ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ann@example.com"],
  ])("is the same however it is typed: %j", (typed, login) => {
    expect(email.normalize(typed)).toBe(login);
  });

  it("is the address that mail goes to", () => {
    expect(email.address("ann@example.com")).toBe("ann@example.com");
  });

  it.each([
    "",
    " ",
    "ann",
    "ann@localhost",
    "a@evil.com@corp.com",
    "a＠evil.com＠corp.com",
    "ann@example.com\r\nBcc: x@y.example",
    "ä@example.com",
  ])("is nothing that is no address: %j", (typed) => {
    expect(email.normalize(typed)).toBeNull();
  });

  it("of a domain with a dotless i is not the one with a dot (R101)", () => {
    expect(email.normalize("mike@gıthub.example")).not.toBe(email.normalize("mike@github.example"));
    expect(email.normalize("mıke@github.example")).toBeNull();
    expect(email.normalize("mİke@github.example")).toBeNull();
  });
});

describe("a login by user name", () => {
  it.each([
    ["Ann", "ann"],
    ["  ann ", "ann"],
    ["ann.smith-2_x", "ann.smith-2_x"],
    ["ᴮᴵᴳᴮᴵᴿᴰ", "bigbird"],
    ["ＢＩＧＢＩＲＤ", "bigbird"],
    ["ﬁsh", "fish"],
    ["JÜRGEN", "jürgen"],
    ["ju\u0308rgen", "jürgen"],
    ["日本語", "日本語"],
    ["Иван", "иван"],
    ["42", "42"],
  ])("has one form however it is typed (R102): %j", (typed, login) => {
    expect(username.normalize(typed)).toBe(login);
  });

  it("has 2 to 64 characters", () => {
    expect(username.normalize("a")).toBeNull();
    expect(username.normalize("ab")).toBe("ab");
    expect(username.normalize("a".repeat(64))).toBe("a".repeat(64));
    expect(username.normalize("a".repeat(65))).toBeNull();
    expect(username.normalize("日".repeat(64))).toBe("日".repeat(64));
  });

  it.each(["ann@example.com", "ann＠example.com", "@ann", "ann@", "a﹫b"])("is never somebody's address (R105): %j", (typed) => {
    expect(username.normalize(typed)).toBeNull();
    expect(username.address("ann")).toBeNull();
  });

  it.each([
    "",
    " ",
    ".ann",
    "_ann",
    "-ann",
    "an n",
    "ann\nbob",
    "ann\0",
    "ann/../bob",
    "ann%20",
    "<b>ann</b>",
    "ann\u202ebob",
    "an\u200bn",
    "an\u200dn",
    "an\u00adn",
    "\ufeffann\u2060",
    "ann\ud800",
    "ann😀",
    "\u0301ann",
  ])("holds nothing but letters, digits and . _ -, beginning with one of the first two: %j", (typed) => {
    expect(username.normalize(typed)).toBeNull();
  });

  it.each(["pаypal", "аdmin1x", "αdmin", "ivаn", "Ηello", "ann\u03bf"])("does not mix scripts that look alike (R101): %j", (typed) => {
    expect(username.normalize(typed)).toBeNull();
  });

  it("costs no more than its length", () => {
    expect(username.normalize("a".repeat(1_000_000))).toBeNull();
    expect(username.normalize(`a${"\u0301".repeat(100_000)}`)).toBeNull();
  });
});

describe("an identifier", () => {
  it("says what the form and the texts need", () => {
    expect({ ...email }).toMatchObject({ field: "email", label: "field.email", type: "email", reason: "email_invalid" });
    expect({ ...username }).toMatchObject({ field: "username", label: "field.username", type: "text", reason: "username_invalid" });
  });
});
