/** The rows, as they are stored. @module */
import type {
  Challenge,
  FactorProof,
  Identity,
  MailedToken,
  NewTotp,
  NewUser,
  OAuth2Flow,
  RememberSeries,
  SignIn,
  StoredSession,
  TrustedBrowser,
} from "@castellan/core";
import { type Codec, fields, list, nullable, number, record, text, texts, time, word } from "./codec.ts";

/** Everything that is decided together about a user. The lock stands in the attempts of the user's subject. */
export interface UserRow extends NewUser {
  readonly epoch: number;
  readonly disabledAt: Date | null;
  readonly confirmedAt: Date | null;
  readonly secondaryEmails: readonly string[];
  readonly totp: NewTotp | null;
  readonly smsNumber: string | null;
  /** Hashes, like those of one-time passwords. */
  readonly recoveryCodes: readonly string[];
  /** Dead once the user is of another epoch. */
  readonly oneTimePasswords: { readonly epoch: number; readonly hashes: readonly string[] };
}

export const userRow: Codec<UserRow> = fields<UserRow>({
  pid: text,
  login: text,
  epoch: number,
  email: nullable(text),
  passwordHash: nullable(text),
  profile: record,
  createdAt: time,
  disabledAt: nullable(time),
  confirmedAt: nullable(time),
  secondaryEmails: texts,
  totp: nullable(fields<NewTotp>({ secret: text, step: number, enabledAt: time })),
  smsNumber: nullable(text),
  recoveryCodes: texts,
  oneTimePasswords: fields<UserRow["oneTimePasswords"]>({ epoch: number, hashes: texts }),
});

/** With the key that the browser's session id leads to. */
export interface SignInRow extends SignIn {
  readonly key: string;
}

export const signInRow: Codec<SignInRow> = fields<SignInRow>({
  key: text,
  id: text,
  pid: text,
  epoch: number,
  level: word("full", "half"),
  factors: list(fields<FactorProof>({ method: text, at: time })),
  createdAt: time,
  seenAt: time,
  idleEndsAt: time,
  endsAt: time,
  userAgent: text,
  network: text,
});

export const challengeRow: Codec<Challenge> = fields<Challenge>({
  id: text,
  purpose: text,
  pid: text,
  epoch: number,
  sessionKey: text,
  destination: text,
  data: text,
  triesLeft: number,
  createdAt: time,
  expiresAt: time,
});

/** The links of one request, all of one user and one end. */
export const linksRow: Codec<readonly MailedToken[]> = list(
  fields<MailedToken>({
    selector: text,
    verifierHash: text,
    pid: text,
    epoch: number,
    destination: text,
    createdAt: time,
    expiresAt: time,
  }),
);

/** What was counted for one subject, and its lock. */
export interface AttemptRow {
  readonly used: number;
  readonly windowEndsAt: Date;
  /** How many locks have followed each other. */
  readonly locks: number;
  readonly forgetsAt: Date | null;
  readonly lock: { readonly at: Date; readonly until: Date; readonly by: "attempts" | "administrator" } | null;
}

export const attemptRow: Codec<AttemptRow> = fields<AttemptRow>({
  used: number,
  windowEndsAt: time,
  locks: number,
  forgetsAt: nullable(time),
  lock: nullable(fields<NonNullable<AttemptRow["lock"]>>({ at: time, until: time, by: word("attempts", "administrator") })),
});

/** When a row says nothing any more. */
export const spentAt = ({ windowEndsAt, lock, forgetsAt }: AttemptRow): number =>
  Math.max(windowEndsAt.getTime(), lock?.until.getTime() ?? 0, forgetsAt?.getTime() ?? 0);

/** The uses of one key in the window that is running. */
export interface CounterRow {
  readonly used: number;
  readonly resetsAt: Date;
}

export const counterRow: Codec<CounterRow> = fields<CounterRow>({ used: number, resetsAt: time });

export const sessionRow: Codec<StoredSession> = fields<StoredSession>({ data: text, expiresAt: time });

export interface SeriesRow extends RememberSeries {
  readonly previousHash: string | null;
  readonly rotatedAt: Date | null;
}

export const seriesRow: Codec<SeriesRow> = fields<SeriesRow>({
  selector: text,
  verifierHash: text,
  pid: text,
  epoch: number,
  createdAt: time,
  expiresAt: time,
  userAgent: text,
  previousHash: nullable(text),
  rotatedAt: nullable(time),
});

export const trustedRow: Codec<TrustedBrowser> = fields<TrustedBrowser>({
  id: text,
  keyHash: text,
  pid: text,
  epoch: number,
  createdAt: time,
  expiresAt: time,
  userAgent: text,
  network: text,
});

export const identityRow: Codec<Identity> = fields<Identity>({
  issuer: text,
  subject: text,
  provider: text,
  email: nullable(text),
  tokens: nullable(text),
  linkedAt: time,
  pid: text,
});

export const flowRow: Codec<OAuth2Flow> = fields<OAuth2Flow>({
  key: text,
  browserKey: text,
  purpose: text,
  data: text,
  createdAt: time,
  expiresAt: time,
});

/** What never changes of a mail. */
export interface MailRow {
  readonly id: string;
  readonly payload: string;
  readonly createdAt: Date;
}

export const mailRow: Codec<MailRow> = fields<MailRow>({ id: text, payload: text, createdAt: time });

export interface MailState {
  readonly attempts: number;
  readonly dueAt: Date;
}

export const mailState: Codec<MailState> = fields<MailState>({ attempts: number, dueAt: time });

/** When a sign-in is over. */
export const signInEnds = ({ idleEndsAt, endsAt }: SignIn): number => Math.min(idleEndsAt.getTime(), endsAt.getTime());

/** Whether `now` has reached `end`: what ends at a moment is dead at that very moment. */
export const isOver = (end: Date, now: Date): boolean => now.getTime() >= end.getTime();
