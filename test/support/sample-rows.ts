/** Sample rows of every capability, for tests that look at a storer operation by operation. @module */
import {
  type Challenge,
  days,
  hours,
  type LockPolicy,
  type MailedToken,
  minutes,
  type NewIdentity,
  type NewTotp,
  type NewUser,
  type OAuth2Flow,
  type QueuedMail,
  type RememberSeries,
  type SignIn,
  type TrustedBrowser,
} from "@castellan/core";

const T0 = Date.UTC(2030, 0, 1);
export const at = (milliseconds: number): Date => new Date(T0 + milliseconds);

export const aUser = (name: string, fields: Partial<NewUser> = {}): NewUser => ({
  pid: `pid-${name}`,
  login: name,
  email: `${name}@example.com`,
  passwordHash: "hash",
  profile: {},
  createdAt: at(0),
  ...fields,
});

export const aSignIn = (name: string, fields: Partial<SignIn> = {}): SignIn => ({
  id: `sign-in-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  level: "full",
  factors: [{ method: "password", at: at(0) }],
  createdAt: at(0),
  seenAt: at(0),
  idleEndsAt: at(1000),
  endsAt: at(2000),
  userAgent: "a browser",
  network: "192.0.2.1",
  ...fields,
});

export const aChallenge = (name: string, fields: Partial<Challenge> = {}): Challenge => ({
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

export const aLink = (name: string, fields: Partial<MailedToken> = {}): MailedToken => ({
  selector: `link-${name}`,
  verifierHash: `verifier-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  destination: `${name}@example.com`,
  createdAt: at(0),
  expiresAt: at(1000),
  ...fields,
});

export const aSeries = (name: string, fields: Partial<RememberSeries> = {}): RememberSeries => ({
  selector: `series-${name}`,
  verifierHash: `secret-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  createdAt: at(0),
  expiresAt: at(1000),
  userAgent: "a browser",
  ...fields,
});

export const aMail = (name: string): Omit<QueuedMail, "attempts"> => ({
  id: `mail-${name}`,
  payload: "sealed",
  createdAt: at(0),
  dueAt: at(0),
});

export const aTrusted = (name: string, fields: Partial<TrustedBrowser> = {}): TrustedBrowser => ({
  id: `trusted-${name}`,
  keyHash: `key-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  createdAt: at(0),
  expiresAt: at(1000),
  userAgent: "a browser",
  network: "192.0.2.0/24",
  ...fields,
});

export const aTotp: NewTotp = { secret: "sealed", step: 5, enabledAt: at(0) };

export const aPolicy: LockPolicy = { after: 1, window: minutes(15), lasts: minutes(5), longest: hours(1), forgets: days(1) };

export const anIdentity = (name: string, fields: Partial<NewIdentity> = {}): NewIdentity => ({
  issuer: "https://id.example",
  subject: name,
  provider: "demo",
  email: `${name}@example.com`,
  tokens: "sealed",
  linkedAt: at(0),
  ...fields,
});

export const aFlow = (name: string, fields: Partial<OAuth2Flow> = {}): OAuth2Flow => ({
  key: `flow-${name}`,
  browserKey: `browser-${name}`,
  purpose: "oauth2",
  data: "sealed",
  createdAt: at(0),
  expiresAt: at(1000),
  ...fields,
});
