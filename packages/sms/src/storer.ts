/** What the module needs of a storer. @module */
import type { ChallengeOperations, Needs, SmsOperations, SmsUser } from "@castellan/core";

export type SmsModuleStorer = Needs<SmsUser, SmsOperations & ChallengeOperations>;
