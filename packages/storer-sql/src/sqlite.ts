/** A storer that keeps everything in one SQLite file. @module */
import {
  type AuthOperations,
  type ChallengeOperations,
  ConfigError,
  type ConfirmOperations,
  type CountOperations,
  type CreateOperations,
  type DisableOperations,
  type Duration,
  type ExpireOperations,
  type LockOperations,
  type MailQueueOperations,
  type OneTimePasswordOperations,
  type RecoverOperations,
  type RecoveryCodeOperations,
  type RememberOperations,
  type SecondaryEmailOperations,
  type ServerStorer,
  type SmsOperations,
  seconds,
  type TotpOperations,
  type TrustedBrowserOperations,
} from "@castellan/core";
import { challengeOperations } from "./operations/challenges.ts";
import { countOperations } from "./operations/counts.ts";
import { factorOperations } from "./operations/factors.ts";
import { linkOperations } from "./operations/links.ts";
import { lockOperations } from "./operations/locks.ts";
import { mailOperations } from "./operations/mails.ts";
import { oneTimePasswordOperations } from "./operations/one-time-passwords.ts";
import { rememberOperations } from "./operations/remember.ts";
import { signInOperations } from "./operations/sign-ins.ts";
import { sweepOperation } from "./operations/sweep.ts";
import { trustedBrowserOperations } from "./operations/trusted-browsers.ts";
import { type SqlUser, userFields, userOperations } from "./operations/users.ts";
import { SqliteDatabase } from "./sqlite/database.ts";
import { migrate } from "./sqlite/migrate.ts";
import { openConnection } from "./sqlite/open.ts";
import { type SyncSessionOperations, sessionOperations } from "./sqlite/sessions.ts";
import { challenges } from "./sqlite/statements/challenges.ts";
import { counts } from "./sqlite/statements/counts.ts";
import { factors } from "./sqlite/statements/factors.ts";
import { links } from "./sqlite/statements/links.ts";
import { locks } from "./sqlite/statements/locks.ts";
import { mails } from "./sqlite/statements/mails.ts";
import { oneTimePasswords } from "./sqlite/statements/one-time-passwords.ts";
import { remember } from "./sqlite/statements/remember.ts";
import { sessions } from "./sqlite/statements/sessions.ts";
import { signIns } from "./sqlite/statements/sign-ins.ts";
import { sweeps } from "./sqlite/statements/sweep.ts";
import { trustedBrowsers } from "./sqlite/statements/trusted-browsers.ts";
import { users } from "./sqlite/statements/users.ts";

export type { SqlUser } from "./operations/users.ts";
export { migrationSql } from "./sqlite/schema.ts";
export type { SyncSessionOperations } from "./sqlite/sessions.ts";

export interface SqliteOptions {
  /** The file, made if there is none; `":memory:"` for a database that ends with the storer. */
  readonly file: string;
  /**
   * `"full"`: what is acknowledged survives a power cut. `"normal"`: it survives the end of the process only, and writing is faster.
   * @default "full"
   */
  readonly synchronous?: "full" | "normal";
  /**
   * How long a statement may wait for another process that is writing. Nothing else happens in this process meanwhile.
   * @default seconds(2)
   */
  readonly busyTimeout?: Duration;
  /** Is told the text of each statement before it runs. Never told a value. For tests and measurements. @default nothing is told */
  readonly onQuery?: (sql: string) => void;
}

const DEFAULTS = { synchronous: "full", busyTimeout: seconds(2), onQuery: () => {} } as const satisfies Omit<
  Required<SqliteOptions>,
  "file"
>;

export interface SqliteStorer
  extends ServerStorer<SqlUser>,
    AuthOperations,
    CreateOperations,
    DisableOperations,
    CountOperations,
    ChallengeOperations,
    ConfirmOperations,
    RecoverOperations,
    SecondaryEmailOperations,
    LockOperations,
    RememberOperations,
    ExpireOperations,
    MailQueueOperations,
    TotpOperations,
    SmsOperations,
    RecoveryCodeOperations,
    TrustedBrowserOperations,
    OneTimePasswordOperations,
    SyncSessionOperations {
  /** Brings the schema up to date. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the file. The schema is made or brought up to date by `ready()`, which Castellan calls. */
export async function sqlite(fileOrOptions: string | SqliteOptions): Promise<SqliteStorer> {
  const settings = { ...DEFAULTS, ...(typeof fileOrOptions === "string" ? { file: fileOrOptions } : fileOrOptions) };
  checkSettings(settings);
  const { file, onQuery } = settings;
  const database = new SqliteDatabase(await openConnection(settings), file, onQuery);
  return {
    userFields,
    ...userOperations(database, users),
    ...signInOperations(database, signIns),
    ...challengeOperations(database, challenges),
    ...countOperations(database, counts),
    ...linkOperations(database, links),
    ...lockOperations(database, locks),
    ...rememberOperations(database, remember),
    ...mailOperations(database, mails),
    ...factorOperations(database, factors),
    ...trustedBrowserOperations(database, trustedBrowsers),
    ...oneTimePasswordOperations(database, oneTimePasswords),
    ...sessionOperations(database, sessions),
    sweep: sweepOperation(database, sweeps),
    ready: async () => migrate(database, file),
    close: async () => database.close(),
  };
}

/** Options may come from plain JavaScript, or from a configuration file. */
function checkSettings({ file, synchronous, busyTimeout, onQuery }: Required<SqliteOptions>): void {
  const problems: string[] = [];
  if (typeof file !== "string" || file === "") problems.push('storer-sql: sqlite() needs a file name, for example sqlite("app.db")');
  if (synchronous !== "full" && synchronous !== "normal") problems.push('storer-sql: `synchronous` is "full" or "normal"');
  if (!Number.isFinite(busyTimeout) || busyTimeout < 0) problems.push("storer-sql: `busyTimeout` is a duration, for example seconds(2)");
  if (typeof onQuery !== "function") problems.push("storer-sql: `onQuery` is a function");
  if (problems.length > 0) throw new ConfigError(problems);
}
