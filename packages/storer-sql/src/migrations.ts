/** Steps from one version of the schema to the next, in whatever dialect. A migration that has been published is never edited: a change is a new one, at the end of the list. @module */
import { ConfigError } from "@castellan/core";

export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/** Never downgrades: what a newer version has written may mean something that this one does not know. */
export function refuseNewer(version: number, migrations: readonly Migration[], place: string): void {
  if (version <= migrations.length) return;
  throw new ConfigError([
    `storer-sql: ${place} has schema version ${version}, and this version of @castellan/storer-sql knows ${migrations.length}: install the newer one again`,
  ]);
}

/** As text for review, each statement ended. Nothing when there is nothing to do. */
export const scriptOf = (statements: readonly string[]): string => statements.map((sql) => `${sql};\n`).join("");
