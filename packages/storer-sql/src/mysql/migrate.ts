/**
 * Brings a database's schema up to date, once, however many processes start at the same time. These servers commit each change of a schema at once, so what is done is written down step by step: whoever
 * comes after one that was stopped half-way goes on there. @module
 */
import { createHash } from "node:crypto";
import { Unavailable } from "@castellan/core";
import { refuseNewer } from "../migrations.ts";
import { codeOf } from "../server/driver.ts";
import type { MysqlDatabase } from "./database.ts";
import type { MysqlConnection } from "./driver.ts";
import type { MysqlConnections } from "./pool.ts";
import { migrations, pendingAfter, VERSIONS } from "./schema.ts";

/** How long to wait for another process that migrates. */
const PATIENCE_SECONDS = 600;
/** What a step answers that was done, and then not written down. */
const DONE_BEFORE = new Set(["ER_TABLE_EXISTS_ERROR", "ER_DUP_FIELDNAME", "ER_DUP_KEYNAME"]);

interface State {
  /** How many migrations have been begun. */
  readonly version: number;
  /** How many statements of the last one are done. */
  readonly steps: number;
  /** How many of them were begun. */
  readonly begun: number;
}

async function stateOf(database: MysqlDatabase, connection: MysqlConnection): Promise<State> {
  const tables = await database.execute(
    connection,
    "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = 'castellan_schema'",
  );
  if (tables.length === 0) return { version: 0, steps: 0, begun: 0 };
  const [row] = await database.execute(connection, "SELECT version, steps, begun FROM castellan_schema ORDER BY version DESC LIMIT 1");
  return { version: Number(row?.["version"] ?? 0), steps: Number(row?.["steps"] ?? 0), begun: Number(row?.["begun"] ?? 0) };
}

const isUpToDate = ({ version, steps }: State): boolean =>
  version === migrations.length && steps === (migrations.at(-1)?.statements.length ?? 0);

export async function pendingSql(database: MysqlDatabase, place: string): Promise<string> {
  const state = await database.session((connection) => stateOf(database, connection));
  refuseNewer(state.version, migrations, place);
  return pendingAfter(state.version, state.steps);
}

export async function migrate(database: MysqlDatabase, wire: MysqlConnections, place: string): Promise<void> {
  await database.session(async (connection) => {
    const found = await stateOf(database, connection);
    refuseNewer(found.version, migrations, place);
    // Looked at before locking: a start with nothing to do must not wait for anybody.
    if (isUpToDate(found)) return;
    await underLock(database, wire, connection, place, async () => {
      // Looked at again under the lock: another process may have been first.
      const state = await stateOf(database, connection);
      refuseNewer(state.version, migrations, place);
      if (!isUpToDate(state)) await goOn(database, connection, state);
    });
  });
}

/** Locks are of the whole server: this one is of our database. */
const lockOf = (place: string): string => `castellan:${createHash("sha256").update(place).digest("hex").slice(0, 32)}`;

async function underLock(
  database: MysqlDatabase,
  wire: MysqlConnections,
  connection: MysqlConnection,
  place: string,
  work: () => Promise<void>,
): Promise<void> {
  const [own] = await database.execute(connection, "SELECT database() AS name");
  const name = lockOf(String(own?.["name"]));
  await wire.unlimited(connection, async () => {
    const [taken] = await database.execute(connection, `SELECT get_lock('${name}', ${PATIENCE_SECONDS}) AS taken`);
    if (Number(taken?.["taken"]) !== 1) throw new Unavailable(`another process has been migrating ${place} for too long`);
    try {
      await work();
    } finally {
      await database.execute(connection, `SELECT release_lock('${name}')`);
    }
  });
}

async function goOn(database: MysqlDatabase, connection: MysqlConnection, state: State): Promise<void> {
  await database.execute(connection, VERSIONS);
  for (const [index, { name, statements }] of migrations.entries()) {
    const version = index + 1;
    if (version < state.version) continue;
    const { steps: done, begun } = version === state.version ? state : { steps: 0, begun: 0 };
    if (version > state.version) {
      await database.execute(connection, `INSERT INTO castellan_schema (version, name, steps, begun) VALUES (${version}, '${name}', 0, 0)`);
    }
    const note = (what: string) => database.execute(connection, `UPDATE castellan_schema SET ${what} WHERE version = ${version}`);
    for (const [step, sql] of statements.entries()) {
      if (step < done) continue;
      const wasStopped = step < begun;
      await note(`begun = ${step + 1}`);
      await database.execute(connection, sql).catch(async (error: unknown) => {
        // Only after a stop may it be done already. Anywhere else, what is in the way is somebody else's.
        if (wasStopped && DONE_BEFORE.has(codeOf(error))) return;
        await note(`begun = ${step}`);
        throw error;
      });
      await note(`steps = ${step + 1}`);
    }
  }
}
