// @ts-check
/** Reads TypeScript text well enough for our checks: comments, strings, imports, option interfaces. No compiler, so it needs none. @module */

/** What may stand before a slash that divides. After anything else it begins a regular expression. */
const ENDS_A_VALUE = /[\w$)\]}]$/;
const KEYWORD_BEFORE_REGEX = /(?:^|[^\w$.])(?:return|typeof|case|in|of|void|delete|throw|await|yield)$/;

/**
 * The text cut into comments, strings (regular expressions and templates among them) and code, in order.
 * @param {string} text
 * @returns {{ kind: "comment" | "string" | "code", text: string, at: number }[]}
 */
export function pieces(text) {
  /** @type {{ kind: "comment" | "string" | "code", text: string, at: number }[]} */
  const found = [];
  let start = 0;
  let at = 0;
  const code = () => {
    if (at > start) found.push({ kind: "code", text: text.slice(start, at), at: start });
  };
  /** @param {"comment" | "string"} kind @param {number} end */
  const take = (kind, end) => {
    code();
    found.push({ kind, text: text.slice(at, end), at });
    at = end;
    start = end;
  };
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const character = text[at] ?? "";
    if (two === "//") take("comment", endOf(text.indexOf("\n", at), 0, text));
    else if (two === "/*") take("comment", endOf(text.indexOf("*/", at + 2), 2, text));
    else if (character === '"' || character === "'" || character === "`") take("string", endOfString(text, at, character));
    else if (character === "/" && beginsRegex(text.slice(start, at).trimEnd(), found.at(-1)?.kind)) take("string", endOfRegex(text, at));
    else at += 1;
  }
  code();
  return found;
}

/** @param {number} found @param {number} length @param {string} text */
const endOf = (found, length, text) => (found < 0 ? text.length : found + length);

/** @param {string} before @param {string | undefined} piece */
const beginsRegex = (before, piece) =>
  before === "" ? piece !== "string" : !ENDS_A_VALUE.test(before) || KEYWORD_BEFORE_REGEX.test(before);

/** @param {string} text @param {number} start @param {string} quote */
function endOfString(text, start, quote) {
  let at = start + 1;
  while (at < text.length && text[at] !== quote) {
    if (text[at] === "\\") at += 2;
    else if (quote === "`" && text.startsWith("${", at)) at = endOfHole(text, at + 2);
    else at += 1;
  }
  return at + 1;
}

/** The end of `${…}` in a template, whatever stands in it. @param {string} text @param {number} start */
function endOfHole(text, start) {
  let at = start;
  for (let depth = 1; at < text.length && depth > 0; ) {
    const character = text[at] ?? "";
    if (character === '"' || character === "'" || character === "`") at = endOfString(text, at, character);
    else {
      if (character === "{") depth += 1;
      if (character === "}") depth -= 1;
      at += 1;
    }
  }
  return at;
}

/** @param {string} text @param {number} start */
function endOfRegex(text, start) {
  let inClass = false;
  for (let at = start + 1; at < text.length; at += 1) {
    const character = text[at];
    if (character === "\\") at += 1;
    else if (character === "\n") return at;
    else if (character === "[") inClass = true;
    else if (character === "]") inClass = false;
    else if (character === "/" && !inClass) return at + 1;
  }
  return text.length;
}

/** @param {string} text */
const blank = (text) => text.replaceAll(/[^\n]/g, " ");

/** The code alone: comments and strings are blanks, lines stay where they were. @param {string} text */
export const codeOnly = (text) =>
  pieces(text)
    .map((piece) => (piece.kind === "code" ? piece.text : blank(piece.text)))
    .join("");

/** Code and strings; comments are blanks. @param {string} text */
export const withoutComments = (text) =>
  pieces(text)
    .map((piece) => (piece.kind === "comment" ? blank(piece.text) : piece.text))
    .join("");

/** @param {string} text @param {number} at */
export const lineAt = (text, at) => text.slice(0, at).split("\n").length;

/** @typedef {{ from: string, kind: "static" | "dynamic" | "type", line: number }} Import */

const STATIC = /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w$*{}\s,]+?\s*from\s*)?(["'])([^"'\n]+)\2/gm;
const DYNAMIC = /\bimport\(\s*(["'])([^"'\n]+)\1\s*\)/g;

/**
 * Every import and re-export. `import type` vanishes from the output, so it is of another kind; `import { type A }` does not.
 * @param {string} text
 * @returns {Import[]}
 */
export function importsOf(text) {
  const code = withoutComments(text);
  /** @type {Import[]} */
  const found = [];
  for (const { 1: type, 3: from = "", index } of code.matchAll(STATIC)) {
    found.push({ from, kind: type ? "type" : "static", line: lineAt(code, index) });
  }
  for (const { 2: from = "", index } of code.matchAll(DYNAMIC)) found.push({ from, kind: "dynamic", line: lineAt(code, index) });
  return found;
}

/** The package that an import names, without the path inside it; `null` for a file or a part of Node. @param {string} from */
export const packageOf = (from) => {
  if (from.startsWith(".") || from.startsWith("node:")) return null;
  return from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");
};

/** @typedef {{ owner: string, name: string, optional: boolean, defaultText: string | null, line: number }} Option */

const INTERFACE = /^export interface (\w*Options)\b[^{]*\{\n([\s\S]*?)^\}/gm;
const MEMBER = /^ {2}(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n {2})?readonly (\w+)(\?)?:/gm;

/**
 * The members of every exported interface `…Options`, with what their doc comments give as `@default`.
 * @param {string} text
 * @returns {Option[]}
 */
export function optionsOf(text) {
  /** @type {Option[]} */
  const found = [];
  for (const { 1: owner = "", 2: body = "", index } of text.matchAll(INTERFACE)) {
    const offset = text.indexOf("{", index) + 2;
    for (const member of body.matchAll(MEMBER)) {
      const [whole, comment = "", name = "", mark] = member;
      const words = comment.replaceAll(/\n\s*\*/g, "\n").trim();
      const at = words.indexOf("@default ");
      const defaultText =
        at < 0
          ? null
          : words
              .slice(at + "@default ".length)
              .replaceAll(/\s+/g, " ")
              .trim();
      const line = lineAt(text, offset + (member.index ?? 0) + whole.length);
      found.push({ owner, name, optional: mark !== undefined, defaultText, line });
    }
  }
  return found;
}
