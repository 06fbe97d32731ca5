import { chooseLocale, type Localize, translator } from "@castellan/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const texts = { greeting: "Hello {name}", twice: "{a}{b}{a}", plain: "{}", odd: "{constructor} {toString}", count: "{n} left" };

describe("a text", () => {
  const t = translator(texts, null, "en");

  it("is filled with its parameters, as often as they are named", () => {
    expect(t("greeting", { name: "Ann" })).toBe("Hello Ann");
    expect(t("twice", { a: 1, b: 2 })).toBe("121");
    expect(t("count", { n: 0 })).toBe("0 left");
  });

  it("keeps the place of a parameter that nobody gave, and of one that only objects have", () => {
    expect(t("greeting")).toBe("Hello {name}");
    expect(t("plain")).toBe("{}");
    expect(t("odd")).toBe("{constructor} {toString}");
  });

  it("does not fill what a parameter brought along, and takes signs of replacement as they are", () => {
    expect(t("twice", { a: "{b}", b: "$&$1$$" })).toBe("{b}$&$1$${b}");
  });

  it("is its key where there is none, also for names that every object has", () => {
    expect(t("nothing.here")).toBe("nothing.here");
    expect(t("constructor")).toBe("constructor");
    expect(t("__proto__")).toBe("__proto__");
  });
});

describe("an application's own texts", () => {
  const german: Localize = (key, { name }, locale) => (locale === "de" && key === "greeting" ? `Guten Tag ${name}` : null);

  it("come first, and are given key, parameters and locale", () => {
    expect(translator(texts, german, "de")("greeting", { name: "Ann" })).toBe("Guten Tag Ann");
  });

  it("fall back to the English ones where they are null", () => {
    expect(translator(texts, german, "fr")("greeting", { name: "Ann" })).toBe("Hello Ann");
    expect(translator(texts, german, "de")("count", { n: 2 })).toBe("2 left");
  });

  it("are not filled in again, and may be empty", () => {
    expect(translator(texts, () => "{name}", "de")("greeting", { name: "Ann" })).toBe("{name}");
    expect(translator(texts, () => "", "de")("greeting")).toBe("");
  });
});

describe("the locale of a request", () => {
  const available = ["en", "de", "de-CH", "pt-BR", "zh-Hant"] as const;

  it.each([
    ["de", "de"],
    ["DE", "de"],
    ["de-ch", "de-CH"],
    ["de-AT", "de"],
    ["de-CH-1996", "de-CH"],
    ["zh-Hant-TW", "zh-Hant"],
    ["fr, de;q=0.5", "de"],
    ["de;q=0.4, pt-BR;q=0.9", "pt-BR"],
    ["de;q=0.5,pt-BR;q=0.5", "de"],
    ["fr;q=1, pt-BR;q=0.1, de;q=0.2", "de"],
    ["  de ;  q=0.3 , fr", "de"],
    ["de;level=1;q=0.9, pt-BR;q=0.8", "de"],
  ])("is the best of those there are: %s", (header, locale) => {
    expect(chooseLocale(header, available)).toBe(locale);
  });

  it.each([
    [undefined],
    [""],
    ["fr"],
    ["pt"],
    ["zh"],
    ["*"],
    ["de;q=0"],
    ["de;q=0.0, fr"],
    ["de;q=-1"],
    ["de;q=x"],
    [",,;;==,,"],
    ["-"],
    ["--de"],
    ["d e"],
    ["dede"],
    ["../../etc/passwd"],
    ["constructor"],
  ])("is the first one where none fits: %s", (header) => {
    expect(chooseLocale(header, available)).toBe("en");
  });

  it("is the only one there is without looking further", () => {
    expect(chooseLocale("de", ["fr"])).toBe("fr");
  });

  it("is always one of those there are, and soon found, whatever the header holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (header) => available.some((locale) => locale === chooseLocale(header, available))),
    );
    expect(chooseLocale(`${"x-".repeat(100_000)},de`, available)).toBe("en");
    expect(chooseLocale(`${"x,".repeat(100_000)}de`, available)).toBe("en");
  });
});
