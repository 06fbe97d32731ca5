/** Mailed links: one document has those of one user and purpose, so that a newer request replaces it. What a link is spent on is a write to its user, which decides. @module */
import type { ConfirmOperations, LockOperations, MailedToken, RecoverOperations, TokenProof } from "@castellan/core";
import { advancing, type Collections, EPOCH, isOfEpoch, untilWritten } from "../collections.ts";
import type { LinkPart, LinksRow, Purpose } from "../rows.ts";
import { after, by, IS_NULL, is, isNumber, moment, text, WrongParameter, whole } from "../values.ts";

type Operations = ConfirmOperations & RecoverOperations & Pick<LockOperations, "startUnlock" | "finishUnlock">;

export const PURPOSES: readonly Purpose[] = ["confirm", "recover", "unlock"];

export const linksId = (purpose: Purpose, pid: string): string => `${purpose}:${text(pid)}`;

const partOf = ({ selector, verifierHash, destination }: MailedToken): LinkPart => ({
  selector: text(selector),
  verifierHash: text(verifierHash),
  destination: text(destination),
});

function rowOf(purpose: Purpose, tokens: readonly MailedToken[]): LinksRow {
  const [first] = tokens;
  if (!first) throw new WrongParameter("a request has at least one link");
  const { pid, epoch, createdAt, expiresAt } = first;
  return {
    _id: linksId(purpose, pid),
    purpose,
    pid,
    epoch: whole(epoch),
    createdAt: moment(createdAt),
    expiresAt: moment(expiresAt),
    tokens: tokens.map(partOf),
  };
}

export function linkOperations(collections: Collections): Operations {
  const { users, links } = collections;
  const store = async (purpose: Purpose, tokens: readonly MailedToken[]): Promise<void> => {
    const { _id, ...row } = rowOf(purpose, tokens);
    await untilWritten(() => links.replaceOne({ _id: is(_id) }, row, { upsert: true }));
  };
  /** The link that is there for this proof, but for whether its user is of its epoch. */
  const unexpired = async (purpose: Purpose, { selector, verifierHash }: TokenProof, now: Date) => {
    text(verifierHash);
    const row = await links.findOne({ "tokens.selector": is(selector), purpose: is(purpose), expiresAt: after(now) });
    const part = row?.tokens.find((one) => one.selector === selector && one.verifierHash === verifierHash);
    return row && part ? { pid: row.pid, epoch: row.epoch, createdAt: row.createdAt, destination: part.destination } : null;
  };

  return {
    startConfirmation: (token) => store("confirm", [token]),
    async finishConfirmation(proof, now) {
      const link = await unexpired("confirm", proof, now);
      if (!link) return null;
      const { pid, epoch, destination } = link;
      const filter = { _id: is(pid), epoch: isNumber(epoch), confirmedAt: IS_NULL, email: is(destination) };
      return (await users.updateOne(filter, { $set: { confirmedAt: moment(now) } })).matchedCount > 0 ? { pid } : null;
    },
    async confirmUser(pid, address, now) {
      const mine = { _id: is(pid), email: is(address) };
      if ((await users.updateOne({ ...mine, confirmedAt: IS_NULL }, { $set: { confirmedAt: moment(now) } })).matchedCount > 0) return true;
      return (await users.findOne(mine, { projection: { _id: 1 } })) !== null;
    },

    startRecovery: (tokens) => store("recover", tokens),
    async findRecovery(proof, now) {
      const link = await unexpired("recover", proof, now);
      return link && (await isOfEpoch(collections, link.pid, link.epoch)) ? { pid: link.pid, destination: link.destination } : null;
    },
    async finishRecovery(proof, passwordHash, now) {
      const change = advancing({ passwordHash: text(passwordHash) });
      const link = await unexpired("recover", proof, now);
      if (!link) return null;
      const { pid, destination } = link;
      const user = await users.findOneAndUpdate({ _id: is(pid), epoch: isNumber(link.epoch) }, change, EPOCH);
      return user && { pid, epoch: user.epoch, destination };
    },

    startUnlock: (token) => store("unlock", [token]),
    async finishUnlock(proof, now) {
      const link = await unexpired("unlock", proof, now);
      if (!link) return null;
      const { pid, epoch, createdAt } = link;
      const filter = { _id: is(pid), epoch: isNumber(epoch), "attempts.lock.by": is("attempts"), "attempts.lock.at": by(createdAt) };
      return (await users.updateOne(filter, { $unset: { attempts: "" } })).matchedCount > 0 ? { pid } : null;
    },
  };
}
