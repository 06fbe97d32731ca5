/** What people type to say who they are, and the one rule that normalises it. @module */
import { parseAddress } from "./addresses.ts";

export interface Identifier {
  /** The name of the form field: `"email"` or `"username"`. */
  readonly field: string;
  /** Text key of the field's label. */
  readonly label: string;
  readonly type: "email" | "text";
  /** The reason given when a new login is not acceptable. */
  readonly reason: string;
  /** The canonical form, or `null` for what can be nobody's login. Normalising twice changes nothing. */
  normalize(text: string): string | null;
  /** The address that mail for this login goes to, if the login is one. */
  address(login: string): string | null;
}

const canonical = (text: string): string => text.normalize("NFKC").trim().toLowerCase();

/** NFKC, trimmed, lower case; `null` when a second pass would change it again (a known way to take over an account). */
function canonicalOrNull(text: string): string | null {
  const once = canonical(text);
  return canonical(once) === once ? once : null;
}

/** People log in by e-mail address: ASCII local part, one `@`, domain by IDNA, all in lower case. */
export function emailIdentifier(): Identifier {
  return {
    field: "email",
    label: "field.email",
    type: "email",
    reason: "email_invalid",
    normalize(text) {
      const once = canonicalOrNull(text);
      const address = once === null ? null : parseAddress(once);
      // IDNA may map the domain further; what is not stable under the rule is nobody's.
      return address !== null && canonical(address) === address ? address : null;
    },
    address: (login) => login,
  };
}

/** People log in by user name: 2 to 64 letters, digits, `.`, `_`, `-`, beginning with a letter or digit. Never an address, so that no name equals somebody's mail. */
export function usernameIdentifier(): Identifier {
  const NAME = /^[\p{Ll}\p{Lo}\p{Nd}][\p{Ll}\p{Lo}\p{Mn}\p{Mc}\p{Nd}._-]{1,63}$/u;
  return {
    field: "username",
    label: "field.username",
    type: "text",
    reason: "username_invalid",
    normalize(text) {
      const once = canonicalOrNull(text);
      return once !== null && NAME.test(once) && !mixesScripts(once) ? once : null;
    },
    address: () => null,
  };
}

/** Latin beside Cyrillic or Greek in one name serves look-alikes. */
const mixesScripts = (name: string): boolean =>
  [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u].filter((script) => script.test(name)).length > 1;
