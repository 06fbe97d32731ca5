/** One address for whatever database. @module */
import { ConfigError, type EveryStorer } from "@castellan/core";
import { type Opener, type Schemes, schemes } from "./schemes.ts";

/** A storer that `openStorer` has opened: fit for every module. */
export type OpenedStorer = EveryStorer;

type Open = (argument: string) => Promise<OpenedStorer>;

/**
 * Opens the storer that an address is of, for example `sqlite:///path/to/app.db` or `postgres://user:password@host/database`: what comes from a `DATABASE_URL`. The package that opens it is loaded
 * now. Throws a `ConfigError` for an address that is of no kind, and for a package that is not installed; none of its messages holds the address, which may hold a password.
 */
export const openStorer = (uri: string): Promise<OpenedStorer> => openBy(schemes, uri);

/** The same by another table. */
export async function openBy(table: Schemes, uri: string): Promise<OpenedStorer> {
  const opener = openerOf(table, uri);
  const argument = opener.argument ? opener.argument(uri) : uri;
  return (await load(opener))(argument);
}

function openerOf(table: Schemes, uri: unknown): Opener {
  const scheme = typeof uri === "string" ? /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]?.toLowerCase() : undefined;
  const known = [...new Set(Object.values(table))].map(({ example }) => example).join(", ");
  if (uri === undefined || uri === "") throw new ConfigError([`openStorer: no address was given: is DATABASE_URL set? There are ${known}`]);
  if (scheme === undefined) {
    throw new ConfigError([`openStorer: the address of a database begins with its kind and ://: ${known}`]);
  }
  const opener = Object.hasOwn(table, scheme) ? table[scheme] : undefined;
  if (!opener) throw new ConfigError([`openStorer: nothing opens ${scheme}://: there are ${known}`]);
  return opener;
}

/** A package's name is the first two parts of the name of its entry. */
const packageOf = (entry: string): string => entry.split("/").slice(0, 2).join("/");

async function load({ entry, opens, driver }: Opener): Promise<Open> {
  const mend = `run \`npm install ${packageOf(entry)}${driver ? ` ${driver}` : ""}\``;
  const module: unknown = await import(/* @vite-ignore */ entry).catch((error: unknown) => {
    throw new ConfigError([
      `openStorer: ${entry} cannot be loaded: ${mend} (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`,
    ]);
  });
  const open: unknown = typeof module === "object" && module !== null ? Reflect.get(module, opens) : undefined;
  if (typeof open !== "function")
    throw new ConfigError([`openStorer: ${entry} has no \`${opens}\`: ${mend}, of the version of this package`]);
  // The function of our own package, of our own version: its test compares the types.
  return open as Open;
}
