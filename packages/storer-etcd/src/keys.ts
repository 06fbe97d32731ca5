/**
 * The names of keys: `castellan/user/PID` and the like. What stands between slashes is percent-encoded, so that no text can name another's row, and `etcdctl get --prefix` shows what is there. @module
 *
 * What belongs to a user lies under the user's pid (`sign-ins/PID/ID`), so that one transaction ends all of it. A _lead_ is a key that leads there from what a browser brings (`sign-in/KEY`); by itself it opens nothing: where it leads
 * to nothing it is as good as none.
 */
import { createHash } from "node:crypto";
import type { Range } from "./store.ts";

/** Longer parts are known by their hash. Part of what is stored: with another number, long ones would be found no more. */
const LONGEST_PART = 512;

/** A caller in plain JavaScript may bring anything: `undefined` must not become the text "undefined", and text with half a character in it would equal other such text. */
export function checkedText(value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`a text to store or look up by must be a string, not ${typeof value}`);
  if (!value.isWellFormed()) throw new TypeError("a text to store or look up by must be well-formed Unicode");
  return value;
}

function part(text: string): string {
  const encoded = encodeURIComponent(checkedText(text));
  if (encoded.length <= LONGEST_PART) return encoded;
  // No encoded text has a % before a ~.
  return `%~${createHash("sha256").update(text).digest("base64url")}`;
}

const MOMENT_DIGITS = 16;

/** Moments as texts that sort as they do. What lies before 1970 sorts as 1970. */
const momentOf = (milliseconds: number): string => String(Math.max(0, milliseconds)).padStart(MOMENT_DIGITS, "0");

/** No encoded text has a % before an @. */
const MARK = "/%@";

/** The subject of a user's own attempts is this and the pid. */
const PID = "pid:";

/** From the first key on, up to the second and not with it. */
export interface Span {
  readonly from: string;
  readonly to: string;
}

/** What belongs to a user lies under the user's pid, so the key of a row names the keys of its user. */
export interface Place {
  readonly row: string;
  readonly user: string;
  readonly attempts: string;
}

export class Keys {
  readonly #root: string;

  constructor(prefix: string) {
    this.#root = `${prefix}/`;
  }

  #key(kind: string, ...parts: readonly string[]): string {
    return `${this.#root}${kind}/${parts.map(part).join("/")}`;
  }

  #range(kind: string, ...parts: readonly string[]): Range {
    return { prefix: `${this.#key(kind, ...parts)}/` };
  }

  get layout(): string {
    return `${this.#root}layout`;
  }

  user = (pid: string): string => this.#key("user", pid);
  login = (login: string): string => this.#key("login", login);
  /** A user's own subject lies beside those of logins that nobody has. */
  attempts = (subject: string): string =>
    checkedText(subject).startsWith(PID) ? this.attemptsOfUser(subject.slice(PID.length)) : this.#key("attempts", "subject", subject);
  attemptsOfUser = (pid: string): string => this.#key("attempts", "pid", pid);

  signIn = (key: string): string => this.#key("sign-in", key);
  signInOf = (pid: string, id: string): string => this.#key("sign-ins", pid, id);
  signInsOf = (pid: string): Range => this.#range("sign-ins", pid);

  /** There is one challenge for a browser session and a purpose. */
  challenge = (sessionKey: string, purpose: string): string => this.#key("challenge", sessionKey, purpose);
  challengesOfSession = (sessionKey: string): Range => this.#range("challenge", sessionKey);
  challengeOf = (pid: string, purpose: string, id: string): string => this.#key("challenges", pid, purpose, id);
  challengesOf = (pid: string, purpose: string | null): Range =>
    purpose === null ? this.#range("challenges", pid) : this.#range("challenges", pid, purpose);

  link = (selector: string): string => this.#key("link", selector);
  /** The newest links of a user and a purpose are one row. */
  linksOf = (pid: string, purpose: string): string => this.#key("links", pid, purpose);
  allLinksOf = (pid: string): Range => this.#range("links", pid);

  series = (selector: string): string => this.#key("series", selector);
  seriesOf = (pid: string, selector: string): string => this.#key("remembered", pid, selector);
  allSeriesOf = (pid: string): Range => this.#range("remembered", pid);

  trustedKey = (keyHash: string): string => this.#key("trusted-key", keyHash);
  trustedId = (id: string): string => this.#key("trusted-id", id);
  trustedOf = (pid: string, keyHash: string): string => this.#key("trusted", pid, keyHash);
  allTrustedOf = (pid: string): Range => this.#range("trusted", pid);

  identity = (issuer: string, subject: string): string => this.#key("identity", issuer, subject);
  identityOf = (pid: string, issuer: string, subject: string): string => this.#key("identities", pid, issuer, subject);
  allIdentitiesOf = (pid: string): Range => this.#range("identities", pid);

  flow = (key: string): string => this.#key("flow", key);
  count = (key: string): string => this.#key("count", key);
  session = (key: string): string => this.#key("session", key);

  mail = (id: string): string => this.#key("mail", id);
  /** How often it was claimed, and when it is due: what changes of a mail, apart from what is long. */
  mailState = (id: string): string => this.#key("mail-state", id);
  mailDue = (dueAt: number, id: string): string => `${this.#root}mail-due/${momentOf(dueAt)}/${part(id)}`;
  mailsDueUntil = (now: number): Span => this.#until("mail-due", now);

  /** Notes that a row may be over from a moment on. Of a row that is written anew with other leads, `mark` tells the notes of one moment apart. */
  due = (ends: number, row: string, mark: string | null = null): string =>
    `${this.#root}due/${momentOf(ends)}/${this.leadTo(row)}${mark === null ? "" : `${MARK}${part(mark)}`}`;
  dueUntil = (now: number): Span => this.#until("due", now);
  /** The row that such a note is about, its kind, and the same note at a later moment. */
  noted(due: string): { readonly row: string; readonly kind: string; readonly later: (ends: number) => string } {
    const named = due.slice(this.#root.length + "due/".length + MOMENT_DIGITS + 1);
    const [lead = ""] = named.split(MARK, 1);
    return {
      row: this.#root + lead,
      kind: lead.slice(0, lead.indexOf("/")),
      later: (ends) => `${this.#root}due/${momentOf(ends)}/${named}`,
    };
  }

  /** What a lead to this row holds. */
  leadTo = (row: string): string => row.slice(this.#root.length);
  /** Where a lead leads: the row, and the user whose it is. */
  placeOf(lead: string): Place {
    const [, pid = ""] = lead.split("/");
    return { row: this.#root + lead, user: `${this.#root}user/${pid}`, attempts: `${this.#root}attempts/pid/${pid}` };
  }
  /** Whether a lead leads to the challenge of this id. */
  leadsToId = (lead: string, id: string): boolean => lead.endsWith(`/${part(id)}`);

  #until(kind: string, now: number): Span {
    return { from: `${this.#root}${kind}/`, to: `${this.#root}${kind}/${momentOf(now + 1)}/` };
  }
}
