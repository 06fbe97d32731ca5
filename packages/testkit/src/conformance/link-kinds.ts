/** The three kinds of mailed links, seen alike: what holds for one holds for all. @module */
import assert from "node:assert/strict";
import {
  type ConfirmingServerStorer,
  confirmable,
  type LockingServerStorer,
  lockable,
  type MailedToken,
  meets,
  type NewUser,
  type RecoveringServerStorer,
  recoverable,
  type ServerStorer,
  type TokenProof,
} from "@castellan/core";
import { at, SAMPLE_POLICY } from "./samples.ts";

type Spent = { readonly pid: string } | null;

/** The links of one purpose in one storer. */
export interface Links {
  readonly purpose: string;
  /** Brings a fresh user to where a link is of use. */
  readonly prepare: (user: NewUser) => Promise<void>;
  readonly start: (token: MailedToken) => Promise<void>;
  readonly finish: (proof: TokenProof, now: Date) => Promise<Spent>;
  /** Asks all that there is to ask about a link, and so ends with `finish`. */
  readonly ask: (proof: TokenProof, now: Date) => Promise<Spent>;
}

/** Only the two fields that a link brings back. */
export const proofOf = ({ selector, verifierHash }: TokenProof): TokenProof => ({ selector, verifierHash });

export function confirmationLinks(storer: ConfirmingServerStorer): Links {
  const finish = (proof: TokenProof, now: Date) => storer.finishConfirmation(proofOf(proof), now);
  return { purpose: "confirm", prepare: async () => {}, start: (token) => storer.startConfirmation(token), finish, ask: finish };
}

export function recoveryLinks(storer: RecoveringServerStorer): Links {
  const finish = (proof: TokenProof, now: Date) => storer.finishRecovery(proofOf(proof), "the recovered hash", now);
  return {
    purpose: "recover",
    prepare: async () => {},
    start: (token) => storer.startRecovery([token]),
    finish,
    ask: async (proof, now) => {
      const found = await storer.findRecovery(proofOf(proof), now);
      const spent = await finish(proof, now);
      assert.equal(found?.pid, spent?.pid, "`findRecovery` and `finishRecovery` disagree about what is live");
      return spent;
    },
  };
}

export function unlockLinks(storer: LockingServerStorer): Links {
  const finish = (proof: TokenProof, now: Date) => storer.finishUnlock(proofOf(proof), now);
  return {
    purpose: "unlock",
    prepare: async ({ pid }) => {
      const policy = { ...SAMPLE_POLICY, after: 1 };
      await storer.admitAttempt(`pid:${pid}`, policy, at());
      const { admitted } = await storer.admitAttempt(`pid:${pid}`, policy, at());
      assert.equal(admitted, false);
    },
    start: (token) => storer.startUnlock(token),
    finish,
    ask: finish,
  };
}

/** The links of the other purposes, as far as the storer has them. */
export const linksBeside = (storer: ServerStorer, purpose: string): readonly Links[] =>
  [
    ...(meets(storer, confirmable) ? [confirmationLinks(storer)] : []),
    ...(meets(storer, recoverable) ? [recoveryLinks(storer)] : []),
    ...(meets(storer, lockable) ? [unlockLinks(storer)] : []),
  ].filter((links) => links.purpose !== purpose);
