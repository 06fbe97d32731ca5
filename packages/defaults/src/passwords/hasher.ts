/** Hashes passwords by one scheme and still reads those of others. @module */
import { ConfigError, type PasswordHasher, type Random, systemRandom } from "@castellan/core";
import { argon2id } from "./argon2id.ts";
import { type BcryptOptions, bcrypt } from "./bcrypt.ts";
import type { Answer } from "./job.ts";
import { HashLane } from "./lane.ts";
import type { Comparison, HashScheme } from "./scheme.ts";

export interface PasswordHasherOptions {
  /** How new hashes are made. */
  readonly use: HashScheme;
  /** What else may be stored, from before. Such a password is accepted and then reported as outdated. @default [] */
  readonly also?: readonly HashScheme[];
  /** A lane that several hashers share; who made it closes it. @default one of its own */
  readonly lane?: HashLane;
  /** @default the operating system's generator */
  readonly random?: Random;
}

/** No more of a password than this is looked at when it can match nothing anyway. */
const LONGEST = 1024;

function resultOf(answer: Answer): string | boolean {
  if ("value" in answer) return answer.value;
  if ("failed" in answer) throw new Error(`a password could not be hashed: ${answer.failed}`);
  throw new ConfigError([
    `the package ${answer.missing} is needed for this kind of password hash and could not be loaded: npm install ${answer.missing}`,
  ]);
}

/** A {@link PasswordHasher} on worker threads of its own. */
export function passwordHasher(options: PasswordHasherOptions): PasswordHasher {
  const { use, also = [], lane = new HashLane(), random = systemRandom } = options;
  const schemes = [use, ...also];
  const bytesOf = (password: string) => new TextEncoder().encode(password);

  function comparisonsWith(hash: string, scheme: HashScheme): readonly Comparison[] {
    const comparisons = scheme.comparisons(hash, random);
    // Nobody's account is checked by the scheme in use: with its time on top, a hash of an older scheme never answers sooner than nobody does.
    return scheme === use ? comparisons : [...comparisons, ...use.comparisons(use.decoy(random), random)];
  }

  return {
    decoy: use.decoy(random),
    unhashable: (password) => use.unhashable(bytesOf(password)),
    isOutdated: (hash) => !use.recognises(hash) || use.isOutdated(hash),

    async hash(password) {
      const bytes = bytesOf(password);
      const obstacle = use.unhashable(bytes);
      if (obstacle) throw new RangeError(obstacle);
      const value = resultOf(await lane.run({ kind: "hash", password: bytes, making: use.making }));
      if (typeof value !== "string") throw new TypeError("a password thread answered no hash");
      return value;
    },

    async verify(password, hash) {
      const bytes = bytesOf(password);
      const known = schemes.find((scheme) => scheme.recognises(hash));
      const scheme = known ?? use;
      // What could never have been hashed, and a hash that nobody could have made, take as long as any other and match nothing.
      const canMatch = known !== undefined && known.unhashable(bytes) === null;
      const against = canMatch ? hash : scheme.decoy(random, known && hash);
      const matched = resultOf(
        await lane.run({
          kind: "verify",
          password: bytes.length > LONGEST ? bytes.slice(0, LONGEST) : bytes,
          comparisons: comparisonsWith(against, scheme),
        }),
      );
      return canMatch && matched === true;
    },

    ...(!options.lane && { close: () => lane.close() }),
  };
}

/** What is used where nothing else is said: bcrypt, and Argon2id hashes are read where `@node-rs/argon2` is installed. */
export const bcryptHasher = (options: BcryptOptions & Omit<PasswordHasherOptions, "use" | "also"> = {}): PasswordHasher => {
  const { cost, ...rest } = options;
  return passwordHasher({ use: bcrypt(cost === undefined ? {} : { cost }), also: [argon2id()], ...rest });
};
