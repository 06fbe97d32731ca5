/** Texts that people read: English by default, replaceable by the application, in the locale that the request asks for. @module */

/** English texts by key. `{name}` stands for a parameter. */
export type Texts = Readonly<Record<string, string>>;
export type TextParameters = Readonly<Record<string, string | number>>;

/** The application's own texts. `null` falls back to the English ones. */
export type Localize = (key: string, parameters: TextParameters, locale: string) => string | null;

export type Translate = (key: string, parameters?: TextParameters) => string;

const fill = (text: string, parameters: TextParameters): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(parameters, name) ? String(parameters[name]) : whole));

export function translator(texts: Texts, localize: Localize | null, locale: string): Translate {
  return (key, parameters = {}) => {
    const own = localize?.(key, parameters, locale);
    if (own != null) return own;
    const text = Object.hasOwn(texts, key) ? texts[key] : undefined;
    return text === undefined ? key : fill(text, parameters);
  };
}

/** The best of `available` for an Accept-Language header (RFC 9110, 12.5.4; look-up of RFC 4647, 3.4); the first one when none fits. */
export function chooseLocale(header: string | undefined, available: readonly [string, ...string[]]): string {
  if (available.length === 1 || !header) return available[0];
  const wanted = header
    .slice(0, 500)
    .split(",")
    .map((part) => {
      const [range = "", ...parameters] = part.trim().toLowerCase().split(";");
      const q = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("q="));
      return { range: range.trim(), quality: q ? Number(q.slice(2)) : 1 };
    })
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality);
  for (const { range } of wanted) {
    for (let tag = range; tag !== ""; tag = tag.slice(0, Math.max(tag.lastIndexOf("-"), 0))) {
      const match = available.find((locale) => locale.toLowerCase() === tag);
      if (match) return match;
    }
  }
  return available[0];
}
