/** The options of the module, with their defaults. @module */
import { ConfigError } from "@castellan/core";

export interface TotpOptions {
  /** The name that the app shows above the code, at most 64 characters. @default the application's name */
  readonly issuer?: string;
  /** Whether the code of the next half-minute is taken too, for devices whose clock is ahead by up to 30 seconds. @default false */
  readonly acceptNext?: boolean;
}

export interface TotpSettings {
  readonly issuer: string;
  readonly acceptNext: boolean;
}

const LONGEST_ISSUER = 64;

/** In plain JavaScript an option may be anything; what is wrong is told at start-up. */
export function settingsFrom(options: TotpOptions, applicationName: string): TotpSettings {
  const { issuer = applicationName, acceptNext = false } = options;
  const problems: string[] = [];
  if (typeof issuer !== "string" || issuer.trim() === "" || issuer.length > LONGEST_ISSUER)
    problems.push(`totp: \`issuer\` must be a text of 1 to ${LONGEST_ISSUER} characters`);
  if (typeof acceptNext !== "boolean") problems.push("totp: `acceptNext` must be true or false");
  if (problems.length > 0) throw new ConfigError(problems);
  return { issuer, acceptNext };
}
