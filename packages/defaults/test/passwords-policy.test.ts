import { strict as assert } from "node:assert";
import type { PasswordPolicy } from "@castellan/core";
import { dictionary } from "@zxcvbn-ts/language-common";
import { describe, it } from "vitest";
import { passwordPolicy } from "../dist/passwords/index.js";

const about = { login: "ann.meier@mail.example.com", words: ["Harbour Club"] };
const standard = passwordPolicy({ words: ["Castellan"] });
const short = passwordPolicy({ minLength: 8, words: ["Castellan"] });

async function reasons(policy: PasswordPolicy, passwords: readonly string[]): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  for (const password of passwords) found[password] = (await policy.check(password, about))?.reason ?? null;
  return found;
}

async function allAre(reason: string | null, policy: PasswordPolicy, passwords: readonly string[]): Promise<void> {
  assert.deepEqual(await reasons(policy, passwords), Object.fromEntries(passwords.map((password) => [password, reason])));
}

describe("length", () => {
  it("is 15 code points by default, whatever they are made of", async () => {
    await allAre("password_too_short", standard, ["", "x", "kq7vmx2wpd93z", "kq7vmx2wpd93zt", "🐎🔋📎🧦🍋🚲🎈🪁"]);
    await allAre(null, standard, ["kq7vmx2wpd93ztb", "🐎🔋📎🧦🍋🚲🎈🪁🐙🥁🧊🪜🎷🧵🗿"]);
    assert.deepEqual(await standard.check("kq7vmx2wpd93zt", about), { reason: "password_too_short", parameters: { minLength: 15 } });
  });

  it("may be less, but never less than 8", async () => {
    await allAre("password_too_short", short, ["kq7vmx2"]);
    await allAre(null, short, ["kq7vmx2w"]);
    for (const minLength of [7, 0, -1, 8.5, Number.NaN]) assert.throws(() => passwordPolicy({ minLength }), RangeError);
  });

  it("ends at 1024 bytes", async () => {
    const long = (letter: string, count: number) =>
      `kq7vmx2wpd93z my dog eats socks ${Array.from({ length: count }, (_, n) => letter + n * n).join("")}`;
    assert.equal((await standard.check(long("é", 300), about))?.reason, "password_too_long");
    assert.equal(await standard.check(long("e", 100), about), null);
  });
});

it("there are no rules about kinds of characters, and spaces are characters", async () => {
  await allAre(null, standard, [
    "correct horse battery staple",
    "my dog eats 5 socks",
    "sunshine-butterfly",
    "ελληνικά γράμματα εδώ",
    "827364519283745",
  ]);
});

describe("common passwords", () => {
  it("are refused: each of the list that is long enough, in upper case too", async () => {
    const listed = dictionary["passwords-common"].filter((password) => password.length >= 15);
    assert.ok(listed.length > 30);
    await allAre("password_too_common", standard, listed);
    await allAre(
      "password_too_common",
      standard,
      listed.map((password) => password.toUpperCase()),
    );
  });

  it("ASVS 6.2.4: the 3000 most used ones of 8 characters and more are refused where 8 are enough", async () => {
    const listed = dictionary["passwords-common"].filter((password) => password.length >= 8).slice(0, 3000);
    assert.equal(listed.length, 3000);
    await allAre("password_too_common", short, listed);
  });

  it("do not become others by a few digits and signs, by look-alikes, or by a run", async () => {
    await allAre("password_too_common", short, ["password1", "monkey123", "!dragon!", "Pa$$w0rd!", "sunshine7", "2024dragon"]);
    await allAre("password_too_common", standard, [
      "password12345678",
      "qwerty123456789",
      "monkey!!!!!!!!!",
      "dragonabcdefghi",
      "P@ssw0rd-1234567",
    ]);
  });
});

describe("long passwords without any thought", () => {
  it("are refused: one unit again and again", async () => {
    await allAre("password_too_common", standard, [
      "aaaaaaaaaaaaaaaa",
      "abcabcabcabcabcabc",
      "passwordpassword",
      "password password",
      "iloveyouiloveyou!1",
      "Tr0ub4dor&3Tr0ub4dor&3",
      "ÄöüÄöüÄöüÄöüÄöü",
      "🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋🐎🔋",
    ]);
  });

  it("but a long password said twice is still a long password", async () => {
    await allAre(null, standard, ["kq7vmx2wpd93ztbkq7vmx2wpd93ztb"]);
  });

  it("are refused: runs over keyboard, alphabet and digits, in both directions", async () => {
    await allAre("password_too_common", standard, [
      "123456789012345",
      "987654321098765",
      "abcdefghijklmnop",
      "zyxwvutsrqponml",
      "qwertyuiopasdfg",
      "azertyuiopqsdfg",
      "qwertzuiopasdfg",
      "poiuytrewqlkjhg",
      "1q2w3e4r5t6y7u8i",
      "1qaz2wsx3edc4rfv",
      "qazwsxedcrfvtgb",
      "!@#$%^&*()_+!@#",
      "abc123xyz789qwe",
    ]);
  });
});

describe("what is known about the person and the service", () => {
  it("makes no password by itself, nor with digits, signs and runs", async () => {
    await allAre("password_has_context", standard, [
      "ann.meier@mail.example.com",
      "AnnMeier19840312",
      "meier-ann-0123456",
      "example.com/2026/10",
      "castellan2024!!!",
      "C4stell4n-2024-##",
      "Harbour Club 2026",
      "harbourclubharbour",
      "castellanpassword",
    ]);
  });

  it("may be a part of one: the whole is compared", async () => {
    await allAre(null, standard, ["castellan keeps my gate", "ann feeds 3 hedgehogs", "meier+kq7vmx2wpd"]);
  });

  it("does not count where it is shorter than three letters", async () => {
    const verdict = await short.check("al kq7vmx2w", { login: "al", words: ["x", "", "  "] });
    assert.equal(verdict, null);
  });
});

describe("a blocklist of one's own", () => {
  it("is asked for the password as typed and in lower case", async () => {
    const policy = passwordPolicy({ blocklist: new Set(["the harbour at dusk", "Exactly Like This 1"]) });
    await allAre("password_too_common", policy, ["the harbour at dusk", "The Harbour at Dusk", "Exactly Like This 1"]);
    await allAre(null, policy, ["exactly like this 1", "the harbour at dawn"]);
  });

  it("may answer later, and its failure is not taken for a no", async () => {
    const slow = passwordPolicy({ blocklist: { has: async (password) => password.startsWith("leaked") } });
    await allAre("password_too_common", slow, ["leaked kq7vmx2wpd"]);
    const broken = passwordPolicy({ blocklist: { has: () => Promise.reject(new Error("store away")) } });
    await assert.rejects(broken.check("kq7vmx2wpd93ztb", about), /store away/);
  });
});

it("the longest passwords are read in one pass: the work grows with the length, not with its square", async () => {
  let asked = 0;
  const { read } = await import("../dist/passwords/predictable.js");
  const common = {
    longest: 20,
    has() {
      asked += 1;
      return false;
    },
  };
  const workOf = (length: number) => {
    asked = 0;
    read("ab1".repeat(length), [], common);
    return asked;
  };
  assert.ok(workOf(300) < workOf(30) * 12);
});
