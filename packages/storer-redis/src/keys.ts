/**
 * The names of keys. Every key carries the number of a shard as its hash tag, `castellan:user:{a7}:PID`: the first byte, in hexadecimal, of the SHA-256 of the text that it
 * belongs to. What must be decided together belongs to one text (a user's pid, a browser session, a counter's key), and so lies in one slot of a cluster. @module
 */
import { createHash } from "node:crypto";

/** How many shards there are. Part of what is stored: another number would find nothing again. */
export const SHARD_COUNT = 256;

const tagOf = (shard: number): string => `{${shard.toString(16).padStart(2, "0")}}`;

/** A caller in plain JavaScript may bring anything: `undefined` must not become the text "undefined". */
function checkText(value: unknown): void {
  if (typeof value !== "string") throw new TypeError(`a name to store by must be a string, not ${typeof value}`);
}

function shardOf(owner: string): string {
  checkText(owner);
  return tagOf(createHash("sha256").update(owner).digest()[0] ?? 0);
}

/** What leads from a text to the pid whose shard holds the row: a claimed login or identity, and where a sign-in, a link, a series or a trusted browser lies. */
export type IndexKind = "login" | "identity" | "sign-in" | "link" | "series" | "trusted-id" | "trusted-key";

/** What lies in the shard of a user's pid. */
export type UserKind = "user" | "sign-ins" | "links" | "remembered" | "trusted" | "recovery-codes" | "one-time-passwords" | "identities";

/** What lies in the shard of its own text. */
export type OwnKind = "challenges" | "count" | "session" | "flow";

const PID = "pid:";

/** Whose shard the attempts of a subject lie in: a user's own subject lies with the user. */
function ownerOf(subject: string): string {
  checkText(subject);
  return subject.startsWith(PID) ? subject.slice(PID.length) : subject;
}

export const subjectOf = (pid: string): string => PID + pid;

export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  of(kind: IndexKind | UserKind | OwnKind, owner: string): string {
    return `${this.#prefix}${kind}:${shardOf(owner)}:${owner}`;
  }

  attempts(subject: string): string {
    return `${this.#prefix}attempts:${shardOf(ownerOf(subject))}:${subject}`;
  }

  attemptsOfUser(pid: string): string {
    return this.attempts(subjectOf(pid));
  }

  /** What in the shard of `owner` expires, by when. */
  due(owner: string): string {
    return `${this.#prefix}due:${shardOf(owner)}`;
  }

  dueOfAttempts(subject: string): string {
    return this.due(ownerOf(subject));
  }

  /** A link that is begun, of a claim of the user's shard. */
  linking(pid: string, claim: string): string {
    return `${this.#prefix}linking:${shardOf(pid)}:${claim}`;
  }

  /** Numbers that are given out once, for the claims of logins and identities. */
  serial(owner: string): string {
    return `${this.#prefix}serial:${shardOf(owner)}`;
  }

  /** The queue of mails is one, since it is handed out in the order in which mails are due. */
  mails(part: "rows" | "due"): string {
    return `${this.#prefix}mails-${part}:{mails}`;
  }

  get everyDue(): readonly string[] {
    return Array.from({ length: SHARD_COUNT }, (_, shard) => `${this.#prefix}due:${tagOf(shard)}`);
  }
}

/** How an identity is called. */
export function identityName(issuer: string, subject: string): string {
  for (const part of [issuer, subject]) checkText(part);
  return JSON.stringify([issuer, subject]);
}

/** Rows that end: in a key of their own, or together with others of one owner. */
export type DueKind = "session" | "flow" | "count" | "attempts" | "challenge" | "sign-in" | "link" | "series" | "trusted";

/** How a shard's list of ends knows a row: its kind, its owner, and which of the owner's it is (`""` where there is one only). */
export function dueMember(kind: DueKind, owner: string, which: string): string {
  checkText(which);
  return JSON.stringify([kind, owner, which]);
}
