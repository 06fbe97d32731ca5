/** Mailed links: the capabilities "confirmable" and "recoverable", and the links of "lockable". @module */
import type { ConfirmOperations, LockOperations, MailedToken, RecoverOperations, TokenProof } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

type Purpose = "confirm" | "recover" | "unlock";
type Proof = [selector: string, verifierHash: string, now: number];
interface Whose {
  readonly pid: string;
}

export interface LinkStatements {
  readonly addLink: Statement<
    [
      purpose: Purpose,
      selector: string,
      verifierHash: string,
      pid: string,
      epoch: number,
      destination: string,
      createdAt: number,
      expiresAt: number,
    ]
  >;
  /** Ends the links of a user for a purpose. */
  readonly endLinks: Statement<[pid: string, purpose: Purpose]>;
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

export function linkOperations(database: Database, sql: LinkStatements): Operations {
  const replace = async (purpose: Purpose, tokens: readonly MailedToken[]): Promise<void> => {
    for (const pid of new Set(tokens.map((token) => token.pid))) await database.change(sql.endLinks, pid, purpose);
    for (const { selector, verifierHash, pid, epoch, destination, createdAt, expiresAt } of tokens) {
      await database.change(
        sql.addLink,
        purpose,
        selector,
        verifierHash,
        pid,
        epoch,
        destination,
        createdAt.getTime(),
        expiresAt.getTime(),
      );
    }
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
      return row && { pid: row.pid.slice("pid:".length) };
    },
  };
}
