/** What the rows of an ordinary account hold, in the lengths that the suite itself writes. @module */

/** As long as bcrypt's are. Nobody has this password. */
export const PASSWORD_HASH = `$2b$10$${"a".repeat(53)}`;
export const USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
export const NETWORK = "203.0.113.77";
export const HOUR = 3_600_000;

/** How long each is: 16 random bytes, and a SHA-256, as base64url text. */
export const LENGTHS = { id: 22, key: 43 };

const text = (/** @type {number} */ number, /** @type {number} */ length) => `${number}-`.padEnd(length, "x");

/** The JSON of somebody's factors. */
export const factorsText = (/** @type {Date} */ now) => JSON.stringify([{ method: "password", at: now.getTime() }]);

/** What express-session keeps of somebody who is signed in and for whom the application keeps nothing. */
export function sessionText(/** @type {Date} */ now) {
  const cookie = { originalMaxAge: 30 * 24 * HOUR, expires: now, secure: true, httpOnly: true, path: "/", sameSite: "lax" };
  return JSON.stringify({ cookie, castellan: { since: now } });
}

/** The `number`th user. @param {number} number @param {Date} now */
export const userRow = (number, now) => ({
  pid: text(number, LENGTHS.id),
  login: `grown${number}@example.test`,
  email: `grown${number}@example.test`,
  passwordHash: PASSWORD_HASH,
  profile: {},
  createdAt: now,
});

/** A sign-in of `pid`. @param {string} pid @param {number} number @param {Date} now */
export const signInRow = (pid, number, now) => ({
  id: text(number, LENGTHS.id),
  pid,
  epoch: 0,
  level: /** @type {const} */ ("full"),
  factors: [{ method: "password", at: now }],
  createdAt: now,
  seenAt: now,
  idleEndsAt: new Date(now.getTime() + HOUR),
  endsAt: new Date(now.getTime() + HOUR),
  userAgent: USER_AGENT,
  network: NETWORK,
});

export const keyOf = (/** @type {number} */ number) => text(number, LENGTHS.key);
