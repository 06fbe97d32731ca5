/** Codes that people type: short ones of digits, and long ones that nobody can guess. @module */
import type { Random } from "./random.ts";

/** Crockford's base 32 in small letters: without i, l, o and u, which are mistaken for others. */
const SIGNS = "0123456789abcdefghjkmnpqrstvwxyz";
const BITS = 5;
const LETTERS = 26;
const GROUP = 5;
const BYTES = 17;
const FORM = new RegExp(`^[${SIGNS}]{${LETTERS}}$`);

/** `count` digits, each as likely as any other. */
export function randomDigits(random: Random, count: number): string {
  let digits = "";
  while (digits.length < count) {
    // 250 is a multiple of 10; what is above would make the first six digits likelier than the others.
    for (const byte of random.bytes(count)) if (byte < 250 && digits.length < count) digits += String(byte % 10);
  }
  return digits;
}

/** A code of 130 random bits to be kept on paper: 26 signs in groups, such as `0k3vm-…`. {@link readCode} reads it back, however it was typed. */
export function randomCode(random: Random): string {
  let [bits, value, code] = [0, 0, ""];
  for (const byte of random.bytes(BYTES)) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= BITS) {
      bits -= BITS;
      code += SIGNS[(value >> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return code.slice(0, LETTERS).replace(new RegExp(`(.{${GROUP}})(?=.)`, "g"), "$1-");
}

/** The signs of a code of {@link randomCode} in the form to be hashed, whatever the case, spaces and hyphens, and with the usual mistakes mended (o for 0, i and l for 1); `null` for anything else. */
export function readCode(typed: string): string | null {
  const signs = typed.toLowerCase().replaceAll(/[\s-]/g, "").replaceAll("o", "0").replaceAll(/[il]/g, "1");
  return FORM.test(signs) ? signs : null;
}
