/** Mailed links. @module */
import type { ConfirmOperations, LockOperations, MailedToken, RecoverOperations, TokenProof } from "@castellan/core";
import { deleteWhere, isOver, type LinkRow, type Operation, type Tables, updateUser } from "./tables.ts";

type Operations = ConfirmOperations & RecoverOperations & Pick<LockOperations, "startUnlock" | "finishUnlock">;

export function linkOperations(tables: Tables, operation: Operation): Operations {
  const { users, links, attempts } = tables;
  const replace = (purpose: LinkRow["purpose"], tokens: readonly MailedToken[]) => {
    const pids = new Set(tokens.map(({ pid }) => pid));
    deleteWhere(links, (old) => old.purpose === purpose && pids.has(old.pid));
    for (const token of tokens) links.set(token.selector, { ...token, purpose });
  };
  const live = (purpose: LinkRow["purpose"], { selector, verifierHash }: TokenProof, now: Date) => {
    const link = links.get(selector);
    if (link?.purpose !== purpose || link.verifierHash !== verifierHash || isOver(link.expiresAt, now)) return null;
    return users.get(link.pid)?.epoch === link.epoch ? link : null;
  };

  return {
    startConfirmation: operation("startConfirmation", (token) => replace("confirm", [token])),
    finishConfirmation: operation("finishConfirmation", (proof, now) => {
      const link = live("confirm", proof, now);
      const user = link && users.get(link.pid);
      if (user?.confirmedAt !== null || user.email !== link?.destination) return null;
      updateUser(tables, user.pid, () => ({ confirmedAt: now }));
      return { pid: user.pid };
    }),
    confirmUser: operation("confirmUser", (pid, address, now) => {
      return updateUser(tables, pid, (user) => (user.email === address ? { confirmedAt: user.confirmedAt ?? now } : null)) !== null;
    }),
    startRecovery: operation("startRecovery", (tokens) => replace("recover", tokens)),
    findRecovery: operation("findRecovery", (proof, now) => {
      const link = live("recover", proof, now);
      return link && { pid: link.pid, destination: link.destination };
    }),
    finishRecovery: operation("finishRecovery", (proof, passwordHash, now) => {
      const link = live("recover", proof, now);
      const user = link && updateUser(tables, link.pid, ({ epoch }) => ({ passwordHash, epoch: epoch + 1 }));
      // The link died with the epoch.
      return user ? { pid: user.pid, epoch: user.epoch, destination: link.destination } : null;
    }),
    startUnlock: operation("startUnlock", (token) => replace("unlock", [token])),
    finishUnlock: operation("finishUnlock", (proof, now) => {
      const link = live("unlock", proof, now);
      const lock = link && attempts.get(`pid:${link.pid}`)?.lock;
      if (!link || lock?.by !== "attempts" || link.createdAt < lock.at) return null;
      attempts.delete(`pid:${link.pid}`);
      return { pid: link.pid };
    }),
  };
}
