/** Mailed links: the capabilities "confirmable" and "recoverable", and the links of "lockable". @module */
import type { ConfirmOperations, LockOperations, MailedToken, RecoverOperations, TokenProof } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

type Purpose = "confirm" | "recover" | "unlock";
type Proof = [selector: string, verifierHash: string, now: number];
interface Whose {
  readonly pid: string;
}

export interface LinkStatements {
  /** Stores the links of one request, `links` of {@link linksText}, in place of all older ones of the purpose and the user. `request` is the selector of the first. */
  readonly startLinks: Statement<[purpose: Purpose, request: string, links: string]>;
  readonly finishConfirmation: Statement<Proof, Whose>;
  readonly confirmUser: Statement<[pid: string, address: string, now: number]>;
  readonly findRecovery: Statement<Proof, Whose & { readonly destination: string }>;
  /** The link dies with the epoch that it was made under: one statement spends it and sets the password. */
  readonly finishRecovery: Statement<
    [selector: string, verifierHash: string, now: number, passwordHash: string],
    Whose & { readonly epoch: number; readonly destination: string }
  >;
  /** Only a lock that was there when the link was made, so that the link is worthless for the next one. */
  readonly finishUnlock: Statement<Proof, Whose>;
}

type Operations = ConfirmOperations & RecoverOperations & Pick<LockOperations, "startUnlock" | "finishUnlock">;

/** Rows as one JSON text: a statement has so many placeholders, and a request as many links as its user has addresses. */
const linksText = (tokens: readonly MailedToken[]): string =>
  JSON.stringify(
    tokens.map(({ selector, verifierHash, pid, epoch, destination, createdAt, expiresAt }) => ({
      selector,
      verifier_hash: verifierHash,
      pid,
      epoch,
      destination,
      created_at: createdAt.getTime(),
      expires_at: expiresAt.getTime(),
    })),
  );

export function linkOperations(database: Database, sql: LinkStatements): Operations {
  const replace = async (purpose: Purpose, tokens: readonly MailedToken[]): Promise<void> => {
    const [first] = tokens;
    if (first) await database.change(sql.startLinks, purpose, first.selector, linksText(tokens));
  };
  const proven = ({ selector, verifierHash }: TokenProof, now: Date): Proof => [selector, verifierHash, now.getTime()];
  return {
    startConfirmation: (token) => replace("confirm", [token]),
    async finishConfirmation(proof, now) {
      const row = await database.first(sql.finishConfirmation, ...proven(proof, now));
      return row && { pid: row.pid };
    },
    async confirmUser(pid, address, now) {
      return (await database.change(sql.confirmUser, pid, address, now.getTime())) > 0;
    },
    startRecovery: (tokens) => replace("recover", tokens),
    async findRecovery(proof, now) {
      const row = await database.first(sql.findRecovery, ...proven(proof, now));
      return row && { pid: row.pid, destination: row.destination };
    },
    async finishRecovery(proof, passwordHash, now) {
      const row = await database.first(sql.finishRecovery, ...proven(proof, now), passwordHash);
      return row && { pid: row.pid, epoch: row.epoch, destination: row.destination };
    },
    startUnlock: (token) => replace("unlock", [token]),
    async finishUnlock(proof, now) {
      const row = await database.first(sql.finishUnlock, ...proven(proof, now));
      return row && { pid: row.pid };
    },
  };
}
