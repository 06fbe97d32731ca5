/** Secrets at rest: sealed by the key ring, for one user and one purpose. @module */
import type { Core } from "@castellan/core";
import type { TotpModuleStorer } from "./index.ts";

/** The method of the proofs. */
export const METHOD = "totp";
const PURPOSE = "totp";

export const seal = ({ keys }: Core, pid: string, secret: string): string => keys.seal(PURPOSE, pid, secret);

export interface Secret {
  /** As it is stored: what the storer compares. */
  readonly sealed: string;
  /** Base32. */
  readonly text: string;
}

/** The user's secret; `null` when there is none, or none that a key of the ring opens: then whoever runs the application is told. */
export async function secretOf({ storer, keys, logger }: Core<TotpModuleStorer>, pid: string): Promise<Secret | null> {
  const sealed = await storer.totpSecretOf(pid);
  if (sealed === null) return null;
  const text = keys.open(PURPOSE, pid, sealed);
  if (text === null) logger.error("a TOTP secret cannot be opened: is its key gone from `keys`, or was its row changed?", { pid });
  return text === null ? null : { sealed, text };
}

/** Seals a secret anew that an older key had sealed, so that the key can go one day. Whoever changed it meanwhile wins. */
export async function renewSeal(core: Core<TotpModuleStorer>, pid: string, { sealed, text }: Secret): Promise<void> {
  if (core.keys.isOutdated(sealed)) await core.storer.resealTotp(pid, sealed, seal(core, pid, text));
}
