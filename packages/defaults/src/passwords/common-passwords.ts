/** A list of 49,000 passwords that many people use, read from a package when it is first asked. @module */

export interface CommonPasswords {
  /** Whether `text`, in lower case, is one of them. */
  has(text: string): boolean;
  /** The length of the longest one, in UTF-16 code units. */
  readonly longest: number;
}

let loading: Promise<CommonPasswords> | undefined;

async function load(): Promise<CommonPasswords> {
  const { dictionary } = await import("@zxcvbn-ts/language-common");
  const passwords = new Set(dictionary["passwords-common"]);
  let longest = 0;
  for (const { length } of passwords) longest = Math.max(longest, length);
  return { has: (text) => passwords.has(text), longest };
}

/** Shared by all policies of a process: it takes 30 ms and 10 MB once. */
export function commonPasswords(): Promise<CommonPasswords> {
  loading ??= load();
  return loading;
}
