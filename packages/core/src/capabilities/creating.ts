/** Making users. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableText, textRecord } from "./capability.ts";

/** Users with an address for mail and with the fields that an application adds to the registration form. */
export interface ArbitraryUser extends User {
  /** Where the user gets mail; equals `login` where people log in by e-mail address. `null` for none. */
  readonly email: string | null;
  /** The declared extra fields of the registration, each a string. Never holds a secret. */
  readonly profile: Readonly<Record<string, string>>;
}

export interface NewUser {
  readonly pid: string;
  readonly login: string;
  readonly email: string | null;
  readonly passwordHash: string | null;
  readonly profile: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

export interface CreateOperations {
  /**
   * Makes a user of epoch 0. Answers `false`, and changes nothing, when the login (or the pid) is taken: decided by a unique index, so that of any number of
   * parallel calls with one login exactly one answers `true`.
   */
  createUser(user: NewUser): Promise<boolean>;
}

export type CreatingServerStorer = Needs<ArbitraryUser, CreateOperations>;

export const creating: Capability<ArbitraryUser, CreateOperations> = defineCapability<ArbitraryUser, CreateOperations>("creating", {
  user: { email: nullableText, profile: textRecord },
  operations: { createUser: true },
});
