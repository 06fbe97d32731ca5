/** Sample rows, and how a child speaks to its test. @module */
import { writeSync } from "node:fs";

const T0 = Date.UTC(2030, 0, 1);
export const at = (milliseconds) => new Date(T0 + milliseconds);

/** Returns only when the line is in the pipe: killed at any moment after that, it has been said. */
export const say = (line) => writeSync(1, `${line}\n`);

/** Waits until the test says `go`. */
export const told = () => new Promise((resolve) => process.stdin.once("data", resolve));

export const aUser = (name, fields = {}) => ({
  pid: `pid-${name}`,
  login: name,
  email: null,
  passwordHash: "hash",
  profile: {},
  createdAt: at(0),
  ...fields,
});

export const aSignIn = (name) => ({
  id: `sign-in-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  level: "full",
  factors: [],
  createdAt: at(0),
  seenAt: at(0),
  idleEndsAt: at(1000),
  endsAt: at(2000),
  userAgent: "",
  network: "",
});

export const aChallenge = (name, fields = {}) => ({
  id: `challenge-${name}`,
  purpose: "login",
  pid: `pid-${name}`,
  epoch: 0,
  sessionKey: `session-${name}`,
  destination: "",
  data: "",
  triesLeft: 3,
  createdAt: at(0),
  expiresAt: at(1000),
  ...fields,
});

export const aLink = (name, fields = {}) => ({
  selector: `link-${name}`,
  verifierHash: `verifier-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  destination: `${name}@example.com`,
  createdAt: at(0),
  expiresAt: at(1000),
  ...fields,
});

export const aMail = (name) => ({ id: `mail-${name}`, payload: "sealed", createdAt: at(0), dueAt: at(0) });

export const aPolicy = { after: 40, window: 1000, lasts: 1000, longest: 1000, forgets: 1000 };

export const anIdentity = (subject) => ({
  issuer: "https://id.example",
  subject,
  provider: "demo",
  email: null,
  tokens: null,
  linkedAt: at(0),
});
