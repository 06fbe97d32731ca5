/** Castellan's core. @module */
export * from "./addresses.ts";
export * from "./capabilities/index.ts";
export {
  type AfterHandler,
  type AfterPhase,
  type BeforeHandler,
  type BeforePhase,
  type Channel,
  defineChannel,
  type Phase,
  rank,
  type SubscribeOptions,
  type Subscription,
} from "./channels.ts";
export * from "./codes.ts";
export type { NewChallenge, PendingLogin } from "./doors/challenge.ts";
export type { FactorChange, FactorOutcome } from "./doors/factors.ts";
export type { Intent, Outcome, Proof, Verdict } from "./doors/proof.ts";
export type { WhenNobody } from "./engine.ts";
export * from "./errors.ts";
export * from "./events.ts";
export type {} from "./express.ts";
export { createCastellan } from "./gate.ts";
export type * from "./gate-types.ts";
export * from "./hasher.ts";
export type { Context, CookieState, SessionState } from "./http/context.ts";
export { cookieLine, readCookie, setCookie } from "./http/cookies.ts";
export * from "./http/fields.ts";
export { wantsJson } from "./http/negotiation.ts";
export { networkOf } from "./http/network.ts";
export { safeTarget } from "./http/redirects.ts";
export type { StepUpScreen } from "./http/requirements.ts";
export type { Handler, Method, RouteTraits } from "./http/router.ts";
export * from "./http/sessions.ts";
export * from "./identifier.ts";
export { digest, KeyRing, problemsOfKeys, sameText } from "./keys.ts";
export type { Admission, Limit, LimitedBy, LimitOptions } from "./limits.ts";
export * from "./logger.ts";
export { defineMail, letter, type MailContent, type MailOverrides, type MailTools, type MailView } from "./mail/mail-view.ts";
export * from "./messages.ts";
export * from "./module.ts";
export { allowPlainHttp, type GateOptions, type MailOptions, type Modules, type PageData } from "./options.ts";
export * from "./pages/form.ts";
export * from "./pages/html.ts";
export type { SlotFill } from "./pages/slots.ts";
export * from "./pages/texts.ts";
export * from "./pages/view.ts";
export * from "./passwords.ts";
export * from "./random.ts";
export * from "./replies.ts";
export { defineShared, type Shared } from "./shared.ts";
export { type Current, type SignInLifetime, signInKey } from "./sign-ins.ts";
export { browserBudget, type Subject, subjectOfUser } from "./subjects.ts";
export * from "./texts.ts";
export * from "./time.ts";
export { type TokenMaker, type TokenRow, tokenMaker } from "./tokens.ts";
export * from "./users.ts";
