/**
 * Recognises passwords that are long and yet easy to guess. A list of leaked passwords hardly helps where 15 characters are asked for (41 of its 49,000
 * entries are that long): people then stretch a short one. Every function here takes time in proportion to the password's length. @module
 */
import type { CommonPasswords } from "./common-passwords.ts";

/** Rows and ways over the keyboard, the alphabet, the digits. Each is read in both directions and from its end on to its beginning. */
const SEQUENCES: readonly string[] = [
  "0123456789",
  "1234567890",
  "abcdefghijklmnopqrstuvwxyz",
  "qwertyuiop",
  "asdfghjkl",
  "zxcvbnm",
  "qwertzuiop",
  "yxcvbnm",
  "azertyuiop",
  "qsdfghjklm",
  "wxcvbn",
  "!@#$%^&*()_+",
  "1q2w3e4r5t6y7u8i9o0p",
  "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
  "qazwsxedcrfvtgbyhnujmikolp",
];

/** What people write in place of a letter. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  "@": "a",
  "4": "a",
  "3": "e",
  "1": "i",
  "!": "i",
  "0": "o",
  $: "s",
  "5": "s",
  "7": "t",
};

/** For each sequence, how far each of its characters is from its beginning. */
const PLACES: readonly ReadonlyMap<string, number>[] = SEQUENCES.map(
  (sequence) => new Map([...sequence].map((char, place) => [char, place])),
);

/** Whether `next` follows `char` by `step` places in the sequence. */
function follows(places: ReadonlyMap<string, number>, char: string, next: string, step: number): boolean {
  const from = places.get(char);
  const to = places.get(next);
  return from !== undefined && to !== undefined && (from + step + places.size) % places.size === to;
}

/** For each place, how many characters that end there belong to one run: `abcd`, `9876`, `aaaa`. */
function runsEndingAt(text: string): readonly number[] {
  const longest = new Array<number>(text.length).fill(1);
  const record = (isNext: (char: string, next: string) => boolean): void => {
    let length = 1;
    for (let place = 1; place < text.length; place += 1) {
      length = isNext(text.charAt(place - 1), text.charAt(place)) ? length + 1 : 1;
      longest[place] = Math.max(longest[place] ?? 1, length);
    }
  };
  record((char, next) => char === next);
  for (const places of PLACES) {
    for (const step of [1, -1]) record((char, next) => follows(places, char, next, step));
  }
  return longest;
}

/** A run of three or more can be put together from runs of these lengths. */
const RUN_LENGTHS = [3, 4, 5] as const;
const LEAST_COMMON = 3;

/** The fewest other characters that are left over, by what has been used so far. `Infinity`: cannot be read in this way. */
interface Reading {
  /** Runs only. */
  readonly runs: number;
  /** Runs and one common password. */
  readonly common: number;
  /** Runs, words of the context, and at most one common password: left over is only what is no letter. */
  readonly context: number;
  readonly contextAndCommon: number;
}

const NOTHING: Reading = { runs: Infinity, common: Infinity, context: Infinity, contextAndCommon: Infinity };

const better = (a: Reading, b: Reading): Reading => ({
  runs: Math.min(a.runs, b.runs),
  common: Math.min(a.common, b.common),
  context: Math.min(a.context, b.context),
  contextAndCommon: Math.min(a.contextAndCommon, b.contextAndCommon),
});

const plusOne = ({ runs, common, context, contextAndCommon }: Reading): Reading => ({
  runs: runs + 1,
  common: common + 1,
  context: context + 1,
  contextAndCommon: contextAndCommon + 1,
});

const plusCommon = ({ runs, context }: Reading): Reading => ({ ...NOTHING, common: runs, contextAndCommon: context });

const plusContext = ({ runs, common, context, contextAndCommon }: Reading): Reading => ({
  ...NOTHING,
  context: Math.min(runs, context),
  contextAndCommon: Math.min(common, contextAndCommon),
});

/** Halves of a surrogate pair count as letters: nobody appends an emoji to fill up a password. */
const LETTER = /[\p{L}\p{M}\ud800-\udfff]/u;

/**
 * Reads `text` (in lower case) as runs, words of the context, at most one common password, and single characters that are no letters, so that as few of
 * the last as possible are left over.
 */
export function read(text: string, words: readonly string[], common: CommonPasswords): Reading {
  const plain = text.replace(/[@431!0$57]/g, (char) => LOOK_ALIKES[char] ?? char);
  const runs = runsEndingAt(text);
  const readings: Reading[] = [{ ...NOTHING, runs: 0 }];
  const at = (place: number): Reading => readings[place] ?? NOTHING;
  for (let end = 1; end <= text.length; end += 1) {
    let reading = LETTER.test(text.charAt(end - 1)) ? NOTHING : plusOne(at(end - 1));
    for (const length of RUN_LENGTHS) {
      if ((runs[end - 1] ?? 0) >= length) reading = better(reading, at(end - length));
    }
    for (let length = LEAST_COMMON; length <= Math.min(common.longest, end); length += 1) {
      const start = end - length;
      if (common.has(text.slice(start, end)) || common.has(plain.slice(start, end))) reading = better(reading, plusCommon(at(start)));
    }
    for (const word of words) {
      const start = end - word.length;
      if (text.endsWith(word, end) || plain.endsWith(word, end)) reading = better(reading, plusContext(at(start)));
    }
    readings.push(reading);
  }
  return at(text.length);
}

/** The length of the shortest unit that `text` is made of again and again (the last time perhaps cut short); its own length when there is none. */
export function unitLength(text: string): number {
  // The table of Knuth, Morris and Pratt: how much of the beginning is repeated where each prefix ends.
  const borders = [0];
  let border = 0;
  for (let place = 1; place < text.length; place += 1) {
    while (border > 0 && text.charAt(place) !== text.charAt(border)) border = borders[border - 1] ?? 0;
    if (text.charAt(place) === text.charAt(border)) border += 1;
    borders.push(border);
  }
  const unit = text.length - border;
  // All but one character of a second time must be there: a last letter that equals the first is no repetition.
  return text.length + 1 >= 2 * unit ? unit : text.length;
}
