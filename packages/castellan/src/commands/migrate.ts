/** `castellan migrate`: makes a database's tables or brings them up to date, before the application starts. @module */
import { parseArgs } from "node:util";
import { type OpenedStorer, openStorer } from "@castellan/defaults";
import { type Command, type Surroundings, UsageError } from "./command.ts";

const usage = `castellan migrate [--print | --check] [ADDRESS]
  Makes the tables in a database, or brings them up to date. Never goes back.
  ADDRESS is what openStorer takes; without it, DATABASE_URL in the environment is (a password in
  an argument is seen by everybody on the machine).
  --print  prints the SQL that would be run, and changes nothing
  --check  changes nothing; the exit code is 1 where something would be run
`;

/** Where `--check` finds something to do. */
const PENDING = 1;

export const migrate: Command = {
  usage,
  async run(args, surroundings) {
    const { mode, address } = parse(args, surroundings);
    const storer = await openStorer(address);
    try {
      return await work(mode, storer, surroundings);
    } finally {
      await closeOf(storer)?.();
    }
  },
};

type Mode = "run" | "print" | "check";

function parse(args: readonly string[], { env }: Surroundings): { mode: Mode; address: string } {
  const { values, positionals } = parsed(args);
  const [address = env["DATABASE_URL"] ?? "", ...more] = positionals;
  if (more.length > 0) throw new UsageError("one address at a time");
  if (address === "") throw new UsageError("the address of the database is missing: set DATABASE_URL");
  if (values.print && values.check) throw new UsageError("--print or --check, not both");
  return { mode: values.print ? "print" : values.check ? "check" : "run", address };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { print: { type: "boolean" }, check: { type: "boolean" } } });
  } catch (error) {
    // Its first sentence names the option; the rest is about file names that begin with a dash.
    throw new UsageError(error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error));
  }
}

async function work(mode: Mode, storer: OpenedStorer, { print, tell }: Surroundings): Promise<number> {
  const pending = pendingOf(storer);
  if (!pending) return withoutSchema(mode, storer, tell);
  const sql = await pending();
  if (mode === "print") print(sql);
  if (sql === "") tell("the schema is up to date\n");
  else if (mode === "check") tell("the schema is not up to date: run castellan migrate\n");
  if (mode !== "run") return mode === "check" && sql !== "" ? PENDING : 0;
  // Also when nothing was missing: another process may have begun meanwhile, and is waited for.
  await storer.ready?.();
  if (sql !== "") tell("the schema has been brought up to date\n");
  return 0;
}

/** What has no tables is opened and looked at, as the application would. */
async function withoutSchema(mode: Mode, storer: OpenedStorer, tell: Surroundings["tell"]): Promise<number> {
  if (mode === "run") await storer.ready?.();
  tell("a database of this kind has no schema to migrate\n");
  return 0;
}

/** SQL storers have it; this package knows none of them by name. */
function pendingOf(storer: OpenedStorer): (() => Promise<string>) | null {
  const pending: unknown = Reflect.get(storer, "pendingSql");
  // As `Schema` of @castellan/storer-sql declares it.
  return typeof pending === "function" ? (pending as () => Promise<string>) : null;
}

function closeOf(storer: OpenedStorer): (() => unknown) | null {
  const close: unknown = Reflect.get(storer, "close");
  return typeof close === "function" ? () => close.call(storer) : null;
}
