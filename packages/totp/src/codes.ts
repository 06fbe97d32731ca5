/** The algorithm: secrets, links for apps, and the time step of a code (RFC 6238). @module */
import { type Clock, type Random, seconds } from "@castellan/core";

/** What the apps that exist understand: SHA-1, six digits, thirty seconds. Not written into links: it is what they take for granted. */
const PERIOD = 30;
const CODE = /^\d{6}$/;
/** 160 bits, as RFC 4226, 4 recommends. */
const SECRET_BYTES = 20;

/** A new secret as base32 text (RFC 4648), 32 signs. */
export async function newSecret(random: Random): Promise<string> {
  const { ScureBase32Plugin } = await import("otplib");
  return new ScureBase32Plugin().encode(random.bytes(SECRET_BYTES), { padding: false });
}

/** The `otpauth:` link that apps read. A colon parts issuer and account in it, and neither may have one of its own. */
export async function linkFor(secret: string, issuer: string, account: string): Promise<string> {
  const { generateURI } = await import("otplib");
  const plain = (text: string): string => text.replaceAll(":", " ").trim();
  return generateURI({ issuer: plain(issuer), label: plain(account), secret });
}

/** A code as people type it: with a space in the middle, with the digits of other scripts, with marks of direction that a copy brings along. */
export const readDigits = (typed: string): string => typed.normalize("NFKC").replaceAll(/[\s\p{Cf}-]/gu, "");

export interface Window {
  readonly clock: Clock;
  readonly acceptNext: boolean;
}

/**
 * The time step that `typed` is the code of, among the current one and the one before (RFC 6238, 5.2), and the next one where that is wanted; `null` for none. Whether that step may still be used is for the
 * storer to say.
 */
export async function stepOf(secret: string, typed: string, { clock, acceptNext }: Window): Promise<number | null> {
  const token = readDigits(typed);
  if (!CODE.test(token)) return null;
  const [{ verifySync }, { NodeCryptoPlugin }] = await Promise.all([import("otplib"), import("@otplib/plugin-crypto-node")]);
  const result = verifySync({
    strategy: "totp",
    secret,
    token,
    epoch: Math.floor(clock.now().getTime() / seconds(1)),
    period: PERIOD,
    epochTolerance: [PERIOD, acceptNext ? PERIOD : 0],
    crypto: new NodeCryptoPlugin(),
  });
  return result.valid && "timeStep" in result ? result.timeStep : null;
}

/** The link as a picture: an SVG in a `data:` address, so that no other request ever carries the secret. */
export async function pictureOf(link: string): Promise<string> {
  const { toString: draw } = (await import("qrcode")).default;
  const svg = await draw(link, { type: "svg", errorCorrectionLevel: "M", margin: 4 });
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
}
