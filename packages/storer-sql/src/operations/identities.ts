/** Identities at providers, and flows to them and back: the capability "oauth2". @module */
import type { Identity, NewIdentity, OAuth2Flow, OAuth2Operations } from "@castellan/core";
import { type Database, type Statement, write } from "../database.ts";
import type { UserStatements } from "./users.ts";

/** An identity as the database answers it. */
export interface IdentityRow {
  readonly pid: string;
  readonly issuer: string;
  readonly subject: string;
  readonly provider: string;
  readonly email: string | null;
  readonly tokens: string | null;
  readonly linked_at: number;
}

export interface FlowRow {
  readonly key: string;
  readonly browser_key: string;
  readonly purpose: string;
  readonly data: string;
  readonly created_at: number;
  readonly expires_at: number;
}

type Look = Statement<[key: string, browserKey: string, purpose: string, now: number], FlowRow>;

export interface IdentityStatements {
  readonly findIdentity: Statement<[issuer: string, subject: string], IdentityRow>;
  readonly listIdentities: Statement<[pid: string], IdentityRow>;
  readonly linkIdentity: Statement<
    [
      pid: string,
      epoch: number,
      issuer: string,
      subject: string,
      provider: string,
      email: string | null,
      tokens: string | null,
      linkedAt: number,
    ]
  >;
  /** Only while the user is of the epoch, and another way in is left. */
  readonly unlinkIdentity: Statement<[pid: string, epoch: number, issuer: string, subject: string, passwordCounts: number]>;
  readonly advanceEpochFrom: Statement<[pid: string, epoch: number]>;
  readonly noteIdentity: Statement<
    [pid: string, issuer: string, subject: string, provider: string, email: string | null, tokens: string | null]
  >;
  readonly replaceTokens: Statement<[pid: string, issuer: string, subject: string, from: string | null, to: string | null]>;
  readonly startFlow: Statement<[key: string, browserKey: string, purpose: string, data: string, createdAt: number, expiresAt: number]>;
  readonly findFlow: Look;
  readonly takeFlow: Look;
}

const identityOf = ({ linked_at, ...row }: IdentityRow): Identity => ({ ...row, linkedAt: new Date(linked_at) });

const flowOf = (row: FlowRow): OAuth2Flow => ({
  key: row.key,
  browserKey: row.browser_key,
  purpose: row.purpose,
  data: row.data,
  createdAt: new Date(row.created_at),
  expiresAt: new Date(row.expires_at),
});

export function identityOperations(
  database: Database,
  sql: IdentityStatements,
  { createUser }: Pick<UserStatements, "createUser">,
): OAuth2Operations {
  const linking = (pid: string, epoch: number, { issuer, subject, provider, email, tokens, linkedAt }: NewIdentity) =>
    [pid, epoch, issuer, subject, provider, email, tokens, linkedAt.getTime()] as const;
  const look = (statement: Look) => async (key: string, browserKey: string, purpose: string, now: Date) => {
    const row = await database.first(statement, key, browserKey, purpose, now.getTime());
    return row && flowOf(row);
  };
  return {
    async createUserWithIdentity({ pid, login, email, passwordHash, profile, createdAt }, identity) {
      return database.together(
        write(createUser, pid, login, email, passwordHash, JSON.stringify(profile), createdAt.getTime()),
        write(sql.linkIdentity, ...linking(pid, 0, identity)),
      );
    },
    async findIdentity(issuer, subject) {
      const row = await database.first(sql.findIdentity, issuer, subject);
      return row && identityOf(row);
    },
    async listIdentities(pid) {
      return (await database.all(sql.listIdentities, pid)).map(identityOf);
    },
    async linkIdentity(pid, epoch, identity) {
      return database.claim(sql.linkIdentity, ...linking(pid, epoch, identity));
    },
    async unlinkIdentity(pid, epoch, issuer, subject, passwordCounts) {
      const isDone = await database.together(
        // The user's row first: whoever changes it decides, and the others wait.
        write(sql.advanceEpochFrom, pid, epoch),
        write(sql.unlinkIdentity, pid, epoch + 1, issuer, subject, passwordCounts ? 1 : 0),
      );
      return isDone ? epoch + 1 : null;
    },
    async noteIdentity(pid, { issuer, subject, provider, email, tokens }) {
      return (await database.change(sql.noteIdentity, pid, issuer, subject, provider, email, tokens)) > 0;
    },
    async replaceTokens(pid, issuer, subject, from, to) {
      return (await database.change(sql.replaceTokens, pid, issuer, subject, from, to)) > 0;
    },
    async startFlow({ key, browserKey, purpose, data, createdAt, expiresAt }) {
      await database.change(sql.startFlow, key, browserKey, purpose, data, createdAt.getTime(), expiresAt.getTime());
    },
    findFlow: look(sql.findFlow),
    takeFlow: look(sql.takeFlow),
  };
}
