/** Argon2id (RFC 9106), as `@node-rs/argon2` computes it. @module */
import type { Random } from "@castellan/core";
import type { Comparison, HashScheme } from "./scheme.ts";

export interface Argon2idOptions {
  /** Memory of one hash in KiB, 7168 to 262144. @default 47104 */
  readonly memory?: number;
  /** How often the memory is passed over, 1 to 10. @default 1 */
  readonly passes?: number;
  /** Lanes that could be computed at once, 1 to 16. They are computed one after the other here. @default 1 */
  readonly parallelism?: number;
}

type Parameters = Required<Argon2idOptions>;

/** The first row of OWASP's table, which OWASP ASVS 5.0 lists too. */
const DEFAULTS = { memory: 47_104, passes: 1, parallelism: 1 } as const satisfies Parameters;
/** OWASP's table: with less memory, more passes. What is below every row is too weak to be made anew. */
const ENOUGH: readonly (readonly [memory: number, passes: number])[] = [
  [47_104, 1],
  [19_456, 2],
  [12_288, 3],
  [9_216, 4],
  [7_168, 5],
];
/** What a stored hash may cost, so that a planted one cannot take all memory or keep a core for minutes. */
const STORED = { leastMemory: 4_096, mostMemory: 262_144, mostPasses: 10, mostWork: 1_048_576, mostParallelism: 16 } as const;
/** The least memory that Argon2 accepts for one lane, in KiB (RFC 9106, section 3.1). */
const LEAST_MEMORY = 8;
/** The ceiling of every password here; Argon2 itself would take more. */
const LONGEST = 1024;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const FORM = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/;

const affordable = ({ memory, passes, parallelism }: Parameters): boolean =>
  memory >= STORED.leastMemory &&
  memory <= STORED.mostMemory &&
  passes >= 1 &&
  passes <= STORED.mostPasses &&
  memory * passes <= STORED.mostWork &&
  parallelism >= 1 &&
  parallelism <= STORED.mostParallelism;

function parametersOf(hash: string): Parameters | null {
  const [, memory, passes, parallelism] = FORM.exec(hash) ?? [];
  const found = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  return affordable(found) ? found : null;
}

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

const decoyOf = (random: Random, { memory, passes, parallelism }: Parameters): string =>
  `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(random.bytes(SALT_BYTES))}$${unpadded(random.bytes(HASH_BYTES))}`;

function checked(options: Argon2idOptions): Parameters {
  const parameters = { ...DEFAULTS, ...options };
  if (!Object.values(parameters).every(Number.isInteger) || !affordable(parameters)) {
    throw new RangeError("argon2id: memory, passes or parallelism is not a whole number within its bounds");
  }
  if (!ENOUGH.some(([memory, passes]) => parameters.memory >= memory && parameters.passes >= passes)) {
    const rows = ENOUGH.map(([memory, passes]) => `${memory} KiB with ${passes}`).join(", ");
    throw new RangeError(`argon2id: too weak. Memory and passes must reach one of: ${rows}`);
  }
  return parameters;
}

/** Passwords by Argon2id. Needs the package `@node-rs/argon2`, which is loaded when it is first used. */
export function argon2id(options: Argon2idOptions = {}): HashScheme {
  const current = checked(options);
  const work = current.memory * current.passes;
  const compared = (hash: string): Comparison => ({ scheme: "argon2id", hash });
  return {
    making: { scheme: "argon2id", ...current },
    recognises: (hash) => parametersOf(hash) !== null,
    unhashable: (password) => (password.length > LONGEST ? "password_too_long" : null),
    isOutdated(hash) {
      const found = parametersOf(hash);
      return found?.memory !== current.memory || found.passes !== current.passes || found.parallelism !== current.parallelism;
    },
    decoy: (random, like) => decoyOf(random, (like !== undefined && parametersOf(like)) || current),
    comparisons(hash, random) {
      const comparisons = [compared(hash)];
      const found = parametersOf(hash) ?? current;
      // Time is in proportion to memory times passes, so what is missing is made up in passes over as much memory as is missing.
      let missing = work - found.memory * found.passes;
      while (missing >= LEAST_MEMORY) {
        const memory = Math.min(missing, current.memory);
        comparisons.push(compared(decoyOf(random, { memory, passes: 1, parallelism: 1 })));
        missing -= memory;
      }
      return comparisons;
    },
  };
}
