/** Finds the command that is asked for, and says why one failed. @module */
import { ConfigError, Unavailable } from "@castellan/core";
import { type Command, type Surroundings, UsageError } from "./command.ts";
import { migrate } from "./migrate.ts";

const commands: Readonly<Record<string, Command>> = { migrate };

const USAGE = `usage: castellan COMMAND [options]

${Object.values(commands)
  .map(({ usage }) => usage)
  .join("\n")}`;

/** Went well. */
const OK = 0;
/** Asked for in a way that cannot be, or what it needs is not there. */
const FAILED = 2;

/** Runs what the arguments ask for; answers the exit code: 0 when it went well, 2 when it failed, and what a command answers itself. Prints no stack for what whoever runs it can mend. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const [name = "", ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (["help", "--help", "-h"].includes(name) || (command && rest.some((arg) => arg === "--help" || arg === "-h"))) {
    surroundings.print(command ? command.usage : USAGE);
    return OK;
  }
  if (!command) {
    surroundings.tell(`${name === "" ? "" : `castellan: there is no command ${JSON.stringify(name)}\n\n`}${USAGE}`);
    return FAILED;
  }
  try {
    return await command.run(rest, surroundings);
  } catch (error) {
    surroundings.tell(`castellan ${name}: ${reasonOf(error)}\n${error instanceof UsageError ? `\n${command.usage}` : ""}`);
    return FAILED;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConfigError || error instanceof UsageError) return error.message;
  if (!(error instanceof Unavailable)) return error.stack ?? error.message;
  const { message, cause } = error;
  return cause instanceof Error && !message.includes(cause.message) ? `${message} (${cause.message})` : message;
}
