/** The key ring: seals what must be read back, and makes keyed hashes of what must only be recognised. @module */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import type { Random } from "./random.ts";

const SHORTEST_KEY = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SALT = "castellan/1";

/** What is wrong with a list of ring keys, each as a sentence that says the mend. Empty when nothing. */
export function problemsOfKeys(option: string, keys: unknown): string[] {
  const howTo = `make one with \`node -p "crypto.randomBytes(32).toString('base64url')"\` and keep it out of the source`;
  if (typeof keys === "string") return [`\`${option}\` must be a list: put the key into [ ], the newest first`];
  if (!Array.isArray(keys) || keys.length === 0) return [`\`${option}\` needs at least one key: ${howTo}`];
  const problems: string[] = [];
  keys.forEach((key, index) => {
    if (typeof key !== "string" || Buffer.byteLength(key) < SHORTEST_KEY) {
      problems.push(`\`${option}[${index}]\` must be a text of at least ${SHORTEST_KEY} bytes: ${howTo}`);
    } else if (new Set(key).size < 8) {
      problems.push(`\`${option}[${index}]\` is too regular to be random: ${howTo}`);
    }
  });
  if (new Set(keys).size !== keys.length) problems.push(`\`${option}\` holds a key twice: remove one`);
  return problems;
}

interface RingKey {
  readonly id: string;
  derive(label: string): KeyObject;
}

function ringKey(secret: string): RingKey {
  const derived = new Map<string, KeyObject>();
  const derive = (label: string): KeyObject => {
    const known = derived.get(label);
    if (known) return known;
    const key = createSecretKey(Buffer.from(hkdfSync("sha256", secret, SALT, label, 32)));
    derived.set(label, key);
    return key;
  };
  const id = Buffer.from(hkdfSync("sha256", secret, SALT, "key id", 6)).toString("base64url");
  return { id, derive };
}

/**
 * An ordered list of keys: the first one seals and signs, all of them open and recognise. Each purpose has its own derived key (HKDF, RFC 5869), so that
 * what was made for one purpose is worthless for another.
 */
export class KeyRing {
  readonly #keys: readonly [RingKey, ...RingKey[]];
  readonly #random: Random;

  constructor(keys: readonly string[], random: Random) {
    const [first, ...others] = keys.map(ringKey);
    if (!first) throw new RangeError("a key ring needs at least one key");
    this.#keys = [first, ...others];
    this.#random = random;
  }

  /**
   * Encrypts and authenticates `text` (AES-256-GCM, random 96-bit nonce). `owner`, usually a pid, and `purpose` are bound to it as associated data.
   * Answers `keyId.base64url`.
   */
  seal(purpose: string, owner: string, text: string): string {
    const [key] = this.#keys;
    const nonce = this.#random.bytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key.derive(`seal:${purpose}`), nonce);
    cipher.setAAD(Buffer.from(`${purpose}\0${owner}`));
    const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `${key.id}.${sealed.toString("base64url")}`;
  }

  /** What was sealed for this purpose and owner; `null` for anything else: damaged, foreign, or of a key that is gone. Never throws. */
  open(purpose: string, owner: string, sealed: string): string | null {
    const [id, body, ...rest] = sealed.split(".");
    const key = this.#keys.find((candidate) => candidate.id === id);
    if (!key || body === undefined || rest.length > 0) return null;
    const bytes = Buffer.from(body, "base64url");
    // Decoders overlook signs that are not of the alphabet and the last bits: only one text stands for these bytes.
    if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString("base64url") !== body) return null;
    const decipher = createDecipheriv("aes-256-gcm", key.derive(`seal:${purpose}`), bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(`${purpose}\0${owner}`));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString("utf8");
    } catch {
      // The tag does not fit. What was tampered with is the same to us as what was never made.
      return null;
    }
  }

  /** Whether `sealed` was made under another key than the first: what is kept for long is to be sealed anew, before that key goes. */
  isOutdated(sealed: string): boolean {
    return !sealed.startsWith(`${this.#keys[0].id}.`);
  }

  /** A keyed hash of `text` (HMAC-SHA-256) under the first key, as 43 characters of base64url. */
  mac(purpose: string, text: string): string {
    return macWith(this.#keys[0], purpose, text);
  }

  /** Whether `mac` is the keyed hash of `text` under any key of the ring. Takes the same time whatever differs. */
  recognises(purpose: string, text: string, mac: string): boolean {
    return this.#keys.some((key) => sameText(macWith(key, purpose, text), mac));
  }
}

const macWith = (key: RingKey, purpose: string, text: string): string =>
  createHmac("sha256", key.derive(`mac:${purpose}`))
    .update(text)
    .digest("base64url");

/** Whether two texts are equal, in a time that tells nothing about where they differ. The empty text equals nothing, itself included. */
export function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}

/** SHA-256 of `text`, set apart by `purpose`, as 43 characters of base64url. For secrets of 128 random bits or more. */
export const digest = (purpose: string, text: string): string => hash("sha256", `${purpose}\0${text}`, "base64url");
