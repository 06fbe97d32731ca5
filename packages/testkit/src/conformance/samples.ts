/** Values for the cases: fixed moments, sample rows, text that breaks careless queries, and races. No wall clock, no chance. @module */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  type Challenge,
  days,
  hours,
  type LockPolicy,
  type MailedToken,
  minutes,
  type NewIdentity,
  type NewUser,
  type OAuth2Flow,
  type QueuedMail,
  type RememberSeries,
  type ServerStorer,
  type SignIn,
  type TrustedBrowser,
} from "@castellan/core";

/** Past 2038 (32-bit seconds), on a leap day, with milliseconds that a careless column drops. */
const BASE = Date.UTC(2040, 1, 29, 23, 59, 58, 679);

/** The fixed moment of the suites, `offset` milliseconds on. */
export const at = (offset = 0): Date => new Date(BASE + offset);

export const MINUTE = 60_000;

/** A SHA-256 as base64url text, as core makes the keys of sign-ins and sessions. */
export const keyOf = (name: string): string => createHash("sha256").update(name).digest("base64url");

/** 128 bits as base64url text, as core makes ids. */
export const idOf = (name: string): string => keyOf(name).slice(0, 22);

export const sampleUser = (name = "ann"): NewUser => ({
  pid: `pid-${name}`,
  login: `${name}@example.com`,
  email: `${name}@example.com`,
  passwordHash: `$2b$04$hash.of.${name}`,
  profile: {},
  createdAt: at(-MINUTE),
});

export const sampleSignIn = (pid: string, fields: Partial<SignIn> = {}): SignIn => ({
  id: idOf(`sign-in of ${pid}`),
  pid,
  epoch: 0,
  level: "full",
  factors: [
    { method: "password", at: at(-5) },
    { method: "totp", at: at(-1) },
  ],
  createdAt: at(),
  seenAt: at(),
  idleEndsAt: at(10 * MINUTE),
  endsAt: at(60 * MINUTE),
  userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
  network: "192.0.2.1",
  ...fields,
});

export const sampleChallenge = (pid: string, fields: Partial<Challenge> = {}): Challenge => ({
  id: idOf(`challenge of ${pid}`),
  purpose: "login",
  pid,
  epoch: 0,
  sessionKey: keyOf("browser"),
  destination: "",
  data: "",
  triesLeft: 3,
  createdAt: at(),
  expiresAt: at(10 * MINUTE),
  ...fields,
});

/** A link to the user's own address. Another `name` makes another link. */
export const sampleLink = ({ pid, email }: NewUser, fields: Partial<MailedToken> = {}, name = "link"): MailedToken => ({
  selector: idOf(`${name} of ${pid}`),
  verifierHash: keyOf(`verifier of ${name} of ${pid}`),
  pid,
  epoch: 0,
  destination: email ?? "",
  createdAt: at(),
  expiresAt: at(60 * MINUTE),
  ...fields,
});

export const sampleSeries = (pid: string, fields: Partial<RememberSeries> = {}, name = "series"): RememberSeries => ({
  selector: idOf(`${name} of ${pid}`),
  verifierHash: keyOf(`first secret of ${name} of ${pid}`),
  pid,
  epoch: 0,
  createdAt: at(),
  expiresAt: at(60 * MINUTE),
  userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
  ...fields,
});

export const sampleTrusted = (pid: string, fields: Partial<TrustedBrowser> = {}): TrustedBrowser => ({
  id: idOf("trusted"),
  keyHash: keyOf("secret of the browser"),
  pid,
  epoch: 0,
  createdAt: at(),
  expiresAt: at(60 * MINUTE),
  userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
  network: "192.0.2.0/24",
  ...fields,
});

export const sampleMail = (name: string, fields: Partial<QueuedMail> = {}): Omit<QueuedMail, "attempts"> => ({
  id: idOf(`mail ${name}`),
  payload: `sealed ${name}`,
  createdAt: at(),
  dueAt: at(),
  ...fields,
});

export const sampleIdentity = (subject: string, fields: Partial<NewIdentity> = {}): NewIdentity => ({
  issuer: "https://id.example.com",
  subject,
  provider: "demo",
  email: "ann@example.org",
  tokens: null,
  linkedAt: at(),
  ...fields,
});

export const sampleFlow = (state: string, fields: Partial<OAuth2Flow> = {}): OAuth2Flow => ({
  key: keyOf(state),
  browserKey: keyOf("browser"),
  purpose: "callback/demo",
  data: "sealed",
  createdAt: at(),
  expiresAt: at(10 * MINUTE),
  ...fields,
});

export const SAMPLE_POLICY: LockPolicy = { after: 3, window: minutes(15), lasts: minutes(5), longest: hours(1), forgets: days(1) };

/** Text that a query by concatenation, a narrow character set, a pattern match or a careless file name gets wrong. */
export const UNUSUAL_TEXTS: readonly string[] = [
  `O'Brien "the" \`third\``,
  "100%",
  "under_score",
  "back\\slash\\",
  "🦊 Zoë, 渡辺, עברית",
  "a; DROP TABLE users; --",
  "__proto__",
  "constructor",
  "null",
  "007",
  "../../etc/passwd",
  "a:b*c?[d]{e}",
  "$1 :y ? &amp; #",
];

const swapCase = (text: string): string =>
  [...text].map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())).join("");

/** What resembles `text` and is not equal to it: other case, spaces, beginnings, patterns. */
export const lookalikes = (text: string): readonly string[] =>
  [
    "",
    "%",
    "*",
    ".*",
    "_".repeat(text.length),
    "' OR '1'='1",
    swapCase(text),
    `${text} `,
    ` ${text}`,
    `${text}x`,
    `${text}%`,
    text.slice(0, -1),
    `${text.slice(0, -1)}_`,
    `${text.slice(0, -1)}%`,
    `${text.slice(0, -1)}*`,
  ].filter((other) => other !== text);

/** How many calls a race has, with the word for the title. */
export const CROWDS = [
  { count: 20, crowd: "twenty" },
  { count: 50, crowd: "fifty" },
] as const;

/** Starts `count` operations before any can answer, and answers their answers. */
export const race = <T>(count: number, start: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => start(index)));

/** How often a race between two different operations is run, so that both orders come up. */
export const ROUNDS: readonly number[] = Array.from({ length: 20 }, (_, round) => round);

/** The answers that mean "you are the one". */
export const winners = <T>(answers: readonly T[]): Exclude<T, null | false>[] =>
  answers.filter((answer): answer is Exclude<T, null | false> => answer !== null && answer !== false);

/** Overwrites a field behind the compiler's back, as careless code might. A frozen object simply stays as it is. */
export const scribble = (target: object, field: string, value: unknown): void => {
  Reflect.set(target, field, value);
};

/** Asserts that `actual` has the fields of `expected`, whatever else it has. */
export function assertIncludes(actual: object | null, expected: object): asserts actual is object {
  assert.ok(actual);
  assert.deepEqual({ ...actual, ...expected }, actual);
}

/** Sweeps at most 3 rows at a time until nothing is left to sweep, and answers how many rows went. */
export async function sweepAll(storer: Pick<ServerStorer, "sweep">, now: Date): Promise<number> {
  let total = 0;
  for (const _ of Array(20)) {
    const removed = await storer.sweep(now, 3);
    assert.ok(removed <= 3, `swept ${removed} rows where 3 were allowed`);
    if (removed === 0) break;
    total += removed;
  }
  return total;
}
