/**
 * PostgreSQL stores every character of a text but NUL. So that a text with one is stored and looked up as anywhere else, NUL is written as a private character and `0`, and that character twice where
 * it is meant itself. No other text is changed. @module
 */
const MARK = "\uE000";
const UNSTORABLE = /[\0\uE000]/;

export const toStored = (text: string): string =>
  UNSTORABLE.test(text) ? text.replaceAll(/[\0\uE000]/g, (character) => (character === MARK ? MARK + MARK : `${MARK}0`)) : text;

export const fromStored = (text: string): string =>
  text.includes(MARK) ? text.replaceAll(/\uE000([0\uE000])/g, (_, meant: string) => (meant === "0" ? "\0" : MARK)) : text;
