/** The conformance suites: what every capability of core promises, as cases that any backend can be run against. @module */
import type { EveryStorer, ServerStorer } from "@castellan/core";
import type { TableUser } from "@castellan/storer-file/tables";
import { authableConformance } from "./authable.ts";
import { challengingConformance } from "./challenging.ts";
import { confirmableConformance } from "./confirmable.ts";
import { countingConformance } from "./counting.ts";
import { creatingConformance } from "./creating.ts";
import { disableableConformance } from "./disableable.ts";
import { expirableConformance } from "./expirable.ts";
import { lockableConformance } from "./lockable.ts";
import { mailQueueingConformance } from "./mail-queueing.ts";
import { oauth2Conformance } from "./oauth2.ts";
import { oneTimePasswordsConformance } from "./one-time-passwords.ts";
import { recoverableConformance } from "./recoverable.ts";
import { recoveryCodesConformance } from "./recovery-codes.ts";
import { rememberableConformance } from "./rememberable.ts";
import { secondaryEmailsConformance } from "./secondary-emails.ts";
import { serverStorerConformance } from "./server-storer.ts";
import { sessionKeepingConformance } from "./session-keeping.ts";
import { smsConformance } from "./sms.ts";
import { type Backend, type Runner, registerSuites, type Suite } from "./suite.ts";
import { totpConformance } from "./totp.ts";
import { trustedBrowsersConformance } from "./trusted-browsers.ts";

export { type Backend, type Case, type Failure, failuresOf, type Runner, runCase, type Suite, type Trial } from "./suite.ts";
export {
  authableConformance,
  challengingConformance,
  confirmableConformance,
  countingConformance,
  creatingConformance,
  disableableConformance,
  expirableConformance,
  lockableConformance,
  mailQueueingConformance,
  oauth2Conformance,
  oneTimePasswordsConformance,
  recoverableConformance,
  recoveryCodesConformance,
  rememberableConformance,
  secondaryEmailsConformance,
  serverStorerConformance,
  sessionKeepingConformance,
  smsConformance,
  totpConformance,
  trustedBrowsersConformance,
};

/** A storer with every operation of core's capabilities. */
export type CompleteStorer = EveryStorer<TableUser>;

/** Every suite, for storers that have every capability. */
export const allConformance: readonly Suite<CompleteStorer>[] = [
  serverStorerConformance,
  authableConformance,
  creatingConformance,
  disableableConformance,
  countingConformance,
  challengingConformance,
  sessionKeepingConformance,
  confirmableConformance,
  recoverableConformance,
  secondaryEmailsConformance,
  lockableConformance,
  rememberableConformance,
  expirableConformance,
  mailQueueingConformance,
  totpConformance,
  smsConformance,
  recoveryCodesConformance,
  trustedBrowsersConformance,
  oneTimePasswordsConformance,
  oauth2Conformance,
];

/**
 * Registers the conformance suites with a test runner. `backend` makes a storer over an empty database for each case: give the function that
 * does, or a {@link Backend} where users are not made by `createUser`. Without `suites`, all of them are run.
 */
export function conformance<S extends CompleteStorer>(backend: Backend<S>["make"] | Backend<S>, runner: Runner): void;
export function conformance<S extends ServerStorer>(
  backend: Backend<S>["make"] | Backend<S>,
  runner: Runner,
  suites: readonly Suite<NoInfer<S>>[],
): void;
export function conformance(
  backend: Backend<CompleteStorer>["make"] | Backend<CompleteStorer>,
  runner: Runner,
  suites: readonly Suite<CompleteStorer>[] = allConformance,
): void {
  registerSuites(typeof backend === "function" ? { make: backend } : backend, runner, suites);
}
