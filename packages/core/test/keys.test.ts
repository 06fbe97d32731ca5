import { digest, KeyRing, problemsOfKeys, randomText, sameText, systemRandom } from "@castellan/core";
import { seededRandom } from "@castellan/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const OLD = "the-old-key-of-these-tests-0123456789-abcdef";
const NEW = "the-new-key-of-these-tests-9876543210-fedcba";

const ring = (...keys: readonly string[]) => new KeyRing(keys, systemRandom);

/** Any text that UTF-8 can carry. */
const anyText = fc.string({ unit: "binary" });

describe("what a key ring sealed", () => {
  it("opens for its purpose and its owner, whatever the text", () => {
    const keys = ring(NEW);
    fc.assert(
      fc.property(anyText, anyText, anyText, (purpose, owner, text) => keys.open(purpose, owner, keys.seal(purpose, owner, text)) === text),
    );
  });

  it("is closed for every other purpose and every other owner", () => {
    const keys = ring(NEW);
    const sealed = keys.seal("totp", "ann", "secret");
    expect(keys.open("oauth2", "ann", sealed)).toBeNull();
    expect(keys.open("totp", "bob", sealed)).toBeNull();
    expect(keys.open("totp", "", sealed)).toBeNull();
    expect(keys.open("Totp", "ann", sealed)).toBeNull();
  });

  it("stays closed when the border between purpose and owner is moved", () => {
    const keys = ring(NEW);
    expect(keys.open("a", "b\0c", keys.seal("a\0b", "c", "secret"))).toBeNull();
    expect(keys.open("ab", "", keys.seal("a", "b", "secret"))).toBeNull();
  });

  it("opens after the keys were rotated, as long as its key is in the ring, at whatever place", () => {
    const sealed = ring(OLD).seal("mail", "ann", "text");
    expect(ring(NEW, OLD).open("mail", "ann", sealed)).toBe("text");
    expect(ring(OLD, NEW).open("mail", "ann", sealed)).toBe("text");
    expect(ring(NEW).open("mail", "ann", sealed)).toBeNull();
  });

  it("was sealed by the first key of the ring", () => {
    const sealed = ring(NEW, OLD).seal("mail", "ann", "text");
    expect(ring(NEW).open("mail", "ann", sealed)).toBe("text");
    expect(ring(OLD).open("mail", "ann", sealed)).toBeNull();
  });

  it("is outdated once another key is the first", () => {
    const sealed = ring(OLD).seal("mail", "ann", "text");
    expect(ring(OLD, NEW).isOutdated(sealed)).toBe(false);
    expect(ring(NEW, OLD).isOutdated(sealed)).toBe(true);
  });

  it("names its key by an id that follows from the key and does not hold it", () => {
    const idOf = (sealed: string): string => sealed.split(".")[0] ?? "";
    const id = idOf(ring(NEW).seal("mail", "ann", "text"));
    expect(id).toMatch(/^[\w-]{8}$/);
    expect(idOf(ring(NEW, OLD).seal("sms", "bob", "other"))).toBe(id);
    expect(idOf(ring(OLD).seal("mail", "ann", "text"))).not.toBe(id);
    expect(NEW).not.toContain(id);
  });

  it("stays closed under the id of another key of the ring", () => {
    const [newSealed, oldSealed] = [ring(NEW).seal("mail", "", "text"), ring(OLD).seal("mail", "", "text")];
    const swapped = `${oldSealed.split(".")[0]}.${newSealed.split(".")[1]}`;
    expect(ring(NEW, OLD).open("mail", "", swapped)).toBeNull();
  });

  it("looks different each time, and shows neither text nor owner", () => {
    const keys = ring(NEW);
    const [one, other] = [keys.seal("mail", "owner-ann", "plain words"), keys.seal("mail", "owner-ann", "plain words")];
    expect(one).not.toBe(other);
    const bytes = Buffer.from(one.split(".")[1] ?? "", "base64url").toString("latin1");
    expect(bytes).not.toContain("plain words");
    expect(bytes).not.toContain("owner-ann");
  });

  it("is safe in a cookie as it is", () => {
    expect(ring(NEW).seal("cookie", "", 'ü;,\n"')).toMatch(/^[\w-]+\.[\w-]+$/);
  });
});

describe("sealed text that was tampered with", () => {
  const keys = ring(NEW, OLD);
  const sealed = keys.seal("totp", "ann", "a text of some length");

  it("never opens and never throws, whichever sign is replaced by whichever other", () => {
    const opened: string[] = [];
    for (const at of Array(sealed.length).keys()) {
      for (const sign of "AQgwz09-_.+/= \0\né𝕏") {
        const changed = sealed.slice(0, at) + sign + sealed.slice(at + 1);
        if (changed !== sealed && keys.open("totp", "ann", changed) !== null) opened.push(`${at} ${sign}`);
      }
    }
    expect(opened).toEqual([]);
  });

  it("never opens and never throws, whichever bit of the bytes is turned", () => {
    const [id, body = ""] = sealed.split(".");
    const bytes = Buffer.from(body, "base64url");
    for (const at of Array(bytes.length * 8).keys()) {
      const turned = Buffer.from(bytes);
      turned.writeUInt8(turned.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
      expect(keys.open("totp", "ann", `${id}.${turned.toString("base64url")}`), `bit ${at}`).toBeNull();
    }
  });

  it("never opens and never throws, wherever it is cut, and whatever is put in", () => {
    for (const at of Array(sealed.length).keys()) {
      expect(keys.open("totp", "ann", sealed.slice(0, at))).toBeNull();
      expect(keys.open("totp", "ann", sealed.slice(at + 1))).toBeNull();
      for (const sign of ["A", ".", "=", " ", "\n", "!"]) {
        expect(keys.open("totp", "ann", sealed.slice(0, at) + sign + sealed.slice(at)), `${sign} at ${at}`).toBeNull();
      }
    }
    for (const tail of ["=", "==", "!", " ", "\n", ".", ".x", sealed]) expect(keys.open("totp", "ann", sealed + tail)).toBeNull();
  });

  it("never opens and never throws when it was never sealed at all", () => {
    for (const text of ["", ".", "..", "x", `${sealed.split(".")[0]}.`, `.${sealed.split(".")[1]}`, "constructor.x", "__proto__.x"]) {
      expect(keys.open("totp", "ann", text)).toBeNull();
    }
    fc.assert(fc.property(anyText, (text) => keys.open("totp", "ann", text) === null));
    fc.assert(fc.property(anyText, (text) => keys.open("totp", "ann", `${sealed.split(".")[0]}.${text}`) === null));
  });
});

describe("a keyed hash", () => {
  it("is recognised for its purpose and text only", () => {
    const keys = ring(NEW);
    const mac = keys.mac("csrf", "session 1");
    expect(mac).toMatch(/^[\w-]{43}$/);
    expect(keys.recognises("csrf", "session 1", mac)).toBe(true);
    expect(keys.recognises("csrf", "session 2", mac)).toBe(false);
    expect(keys.recognises("csrf cookie", "session 1", mac)).toBe(false);
  });

  it("is recognised after the keys were rotated, and made by the first key", () => {
    const mac = ring(OLD).mac("csrf", "text");
    expect(ring(NEW, OLD).recognises("csrf", "text", mac)).toBe(true);
    expect(ring(NEW).recognises("csrf", "text", mac)).toBe(false);
    expect(ring(NEW, OLD).mac("csrf", "text")).toBe(ring(NEW).mac("csrf", "text"));
  });

  it("is not recognised once any sign of it differs, and nothing throws", () => {
    const keys = ring(NEW);
    const mac = keys.mac("csrf", "text");
    for (const at of Array(mac.length).keys()) {
      for (const sign of "Aw_.=é") {
        const changed = mac.slice(0, at) + sign + mac.slice(at + 1);
        if (changed !== mac) expect(keys.recognises("csrf", "text", changed)).toBe(false);
      }
    }
    for (const other of ["", "=", `${mac}=`, ` ${mac}`, mac.slice(1), mac.slice(0, -1)]) {
      expect(keys.recognises("csrf", "text", other)).toBe(false);
    }
  });
});

describe("a key ring", () => {
  it("is not made of nothing", () => {
    expect(() => ring()).toThrow(RangeError);
  });
});

describe("sameText", () => {
  it("holds for equal texts and for no others", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => sameText(text, `${text}`)));
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (one, other) => one === other || !sameText(one, other)),
    );
  });

  it("never holds for the empty text, not even for two of them", () => {
    expect(sameText("", "")).toBe(false);
    expect(sameText("", "x")).toBe(false);
    expect(sameText("x", "")).toBe(false);
  });

  it("does not throw for texts of different lengths, also where signs and bytes differ", () => {
    expect(sameText("é", "ab")).toBe(false);
    expect(sameText("é", "e")).toBe(false);
    expect(sameText("x", "x\0")).toBe(false);
  });
});

describe("a digest", () => {
  it("is of 43 signs, the same each time, and another for another purpose", () => {
    expect(digest("a", "text")).toMatch(/^[\w-]{43}$/);
    expect(digest("a", "text")).toBe(digest("a", "text"));
    expect(digest("a", "text")).not.toBe(digest("b", "text"));
    expect(digest("a", "text")).not.toBe(digest("at", "ext"));
  });
});

describe("a random text", () => {
  it("has six bits a sign and nothing that needs escaping", () => {
    expect(randomText(seededRandom("x"), 16)).toMatch(/^[\w-]{22}$/);
    expect(randomText(systemRandom, 32)).not.toBe(randomText(systemRandom, 32));
  });
});

describe("the check of keys", () => {
  const HOW = "make one with";

  it("finds nothing wrong with long random keys", () => {
    expect(problemsOfKeys("keys", [NEW, OLD])).toEqual([]);
    expect(problemsOfKeys("keys", [randomText(systemRandom, 32)])).toEqual([]);
    expect(problemsOfKeys("keys", [NEW.slice(0, 32)])).toEqual([]);
  });

  it("tells a key that stands by itself to be put into a list, and does not repeat it", () => {
    expect(problemsOfKeys("keys", NEW)).toEqual(["`keys` must be a list: put the key into [ ], the newest first"]);
  });

  it.each([[undefined], [null], [[]], [{ 0: NEW }], [42]])("wants a list of at least one key, not %j", (keys) => {
    expect(problemsOfKeys("keys", keys)).toEqual([expect.stringContaining("`keys` needs at least one key")]);
  });

  it.each([["short"], [NEW.slice(0, 31)], [""], [undefined], [null], [{ length: 40 }], [Buffer.from(NEW)]])(
    "refuses a key that is no text of 32 bytes: %j",
    (key) => {
      const problems = problemsOfKeys("keys", [NEW, key]);
      expect(problems).toEqual([expect.stringContaining("`keys[1]` must be a text of at least 32 bytes")]);
      expect(problems[0]).toContain(HOW);
    },
  );

  it("refuses a key of few different signs, as in an example that was never replaced", () => {
    expect(problemsOfKeys("keys", ["x".repeat(64)])).toEqual([expect.stringContaining("`keys[0]` is too regular")]);
    expect(problemsOfKeys("keys", ["changeme".repeat(8)])).toEqual([expect.stringContaining("too regular")]);
  });

  it("refuses the same key twice, and lists every problem at once, under the option's own name", () => {
    expect(problemsOfKeys("keys", [NEW, NEW])).toEqual([expect.stringContaining("holds a key twice")]);
    const problems = problemsOfKeys("secret", ["x", "y".repeat(40), "x"]);
    expect(problems).toHaveLength(4);
    for (const problem of problems) expect(problem).toContain("`secret");
  });

  it("never shows a key in what it says", () => {
    const secret = "hunter2hunter2";
    expect(problemsOfKeys("keys", [secret, secret]).join()).not.toContain(secret);
  });
});
