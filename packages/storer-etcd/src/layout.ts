/** Looks at etcd before it is trusted with users: new enough, readable, writable, and of no newer layout than this package knows. @module */
import { ConfigError, Unavailable } from "@castellan/core";
import type { Client } from "./client/client.ts";
import { CODES, failure, Refused } from "./client/failures.ts";
import type { Keys } from "./keys.ts";
import { put, type Store } from "./store.ts";

/** What the keys and values of this version look like. Another number is another layout. */
export const LAYOUT = 1;

const OLDEST = [3, 4] as const;

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

export async function checkStore(client: Client, store: Store, keys: Keys, place: string): Promise<void> {
  const version = await client.version().catch((error: unknown) => {
    throw failure(error);
  });
  if (isTooOld(version)) {
    throw new ConfigError([`storer-etcd: ${place} is etcd ${version || "of an unknown version"}; ${OLDEST.join(".")} or later is needed`]);
  }
  try {
    await checkLayout(store, keys.layout, place);
  } catch (error) {
    throw configErrorOf(error, place) ?? error;
  }
}

/** Writes the number, also where it stands there already: so it is known now, and not at the first sign-in, that we may. */
async function checkLayout(store: Store, key: string, place: string): Promise<void> {
  const number = String(LAYOUT);
  const note = put(key, number);
  if (await store.change([{ key, is: "absent" }], note)) return;
  if (await store.change([{ key, is: "equal", value: number }], note)) return;
  const [entry] = await store.get(key);
  throw new ConfigError([
    `storer-etcd: ${place} is of layout ${Number(entry?.value)}, and this version knows ${number}: update @castellan/storer-etcd, or choose another prefix`,
  ]);
}

/** Etcd is there, and does not let us: the mend is in the wiring. */
function configErrorOf(error: unknown, place: string): ConfigError | null {
  if (!(error instanceof Unavailable)) return null;
  if (error.cause instanceof ConfigError) return error.cause;
  if (!(error.cause instanceof Refused)) return null;
  const { code, message } = error.cause;
  if (code === CODES.permissionDenied) {
    return new ConfigError([`storer-etcd: the user may not read and write ${place}: grant its role \`readwrite\` on the prefix`]);
  }
  if (code === CODES.invalidArgument && message.includes("user name is empty")) {
    return new ConfigError([`storer-etcd: ${place} asks who we are: put user and password into the address`]);
  }
  return null;
}
