/** What the routes of the module have in common. @module */
import { type Context, type Core, minutes, type SmsUser, type User } from "@castellan/core";
import { codeField, type FactorDesk } from "@castellan/twofactor";
import type { Codes } from "./codes.ts";
import type { SmsSettings } from "./settings.ts";
import type { SmsModuleStorer } from "./storer.ts";

export const METHOD = "sms";

export const paths = {
  setup: "/2fa/sms/setup",
  confirm: "/2fa/sms/confirm",
  confirmSend: "/2fa/sms/confirm/send",
  validate: "/2fa/sms/validate",
  send: "/2fa/sms/send",
  remove: "/2fa/sms/remove",
} as const;

export const codeFields = { code: codeField("sms.code") };

export interface Parts {
  readonly core: Core<SmsModuleStorer>;
  readonly desk: FactorDesk;
  readonly settings: SmsSettings;
  readonly codes: Codes;
}

/** The number that the user has proved. Core has checked the field of whoever this storer loads. */
export const numberOf = (user: User): string | null => (user as SmsUser).smsNumber;

/** How long a code works, for people. */
export const minutesOf = ({ lasts }: SmsSettings): number => Math.max(1, Math.round(lasts / minutes(1)));

/** The application's path of `path`, with the wanted page taken along. */
export function onward(core: Core, ctx: Context, path: string): string {
  const { redir } = ctx;
  return redir === null ? core.path(path) : `${core.path(path)}?${new URLSearchParams({ redir })}`;
}
