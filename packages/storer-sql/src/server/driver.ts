/** Drivers of database servers are loaded when they are first needed, so that an application installs the one that it uses. @module */
import { ConfigError } from "@castellan/core";

/** The package `name`, or what it exports by default, whichever `isDriver`. */
export async function loadDriver<Driver>(name: string, database: string, isDriver: (module: unknown) => module is Driver): Promise<Driver> {
  const mend = `storer-sql: ${database} needs the package ${name}: run \`npm install ${name}\``;
  const module: unknown = await import(/* @vite-ignore */ name).catch((error: unknown) => {
    throw new ConfigError([`${mend} (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`]);
  });
  if (isDriver(module)) return module;
  const standard: unknown = typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
  if (isDriver(standard)) return standard;
  throw new ConfigError([`${mend} (what is there is another package, or an old version)`]);
}

/** The code that a driver gives an error, or `""`. */
export const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";

/** What happened, in a few words. An error of several tries to connect has no message of its own. */
export const wordsOf = (error: unknown): string =>
  error instanceof Error && error.message !== "" ? error.message : codeOf(error) || String(error);
