/** Password hashing and the rules for choosing passwords. @module */
export { type Argon2idOptions, argon2id } from "./argon2id.ts";
export { type BcryptOptions, bcrypt } from "./bcrypt.ts";
export { bcryptHasher, type PasswordHasherOptions, passwordHasher } from "./hasher.ts";
export type { Answer as HashAnswer, Job as HashJob } from "./job.ts";
export { HashLane, type LaneOptions } from "./lane.ts";
export { type Blocklist, type PasswordPolicyOptions, passwordPolicy } from "./policy.ts";
export type { Comparison, HashScheme, Making } from "./scheme.ts";
export type { StartThread, Thread, ThreadEvents } from "./thread.ts";
