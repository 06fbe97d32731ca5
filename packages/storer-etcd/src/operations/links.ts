/** Mailed links: the newest ones of a user and a purpose are one row, so that a newer request voids them all by one put. @module */
import type { ConfirmOperations, LockOperations, MailedToken, RecoverOperations, TokenProof } from "@castellan/core";
import { millisecondsOf } from "../codec.ts";
import { attemptRow, isOver, linksRow, type UserRow, userRow } from "../rows.ts";
import { type Change, remove, type View } from "../store.ts";
import { changeUser, noteEnd, putLead, putRow, rowOf, type Table } from "../table.ts";

type Operations = ConfirmOperations & RecoverOperations & Pick<LockOperations, "startUnlock" | "finishUnlock">;
type Purpose = "confirm" | "recover" | "unlock";

/** With the row and its note, all leads of one request are one transaction. */
const LEADS_AT_ONCE = 100;

interface Seen {
  readonly place: string;
  readonly link: MailedToken;
  readonly userKey: string;
  readonly user: UserRow;
}

export function linkOperations(table: Table): Operations {
  const { store, keys } = table;

  const replace = async (purpose: Purpose, tokens: readonly MailedToken[]): Promise<void> => {
    const [first] = tokens;
    if (!first) return;
    const place = keys.linksOf(first.pid, purpose);
    const leads = tokens.map(({ selector }) => keys.link(selector));
    const ends = Math.max(...tokens.map(({ expiresAt }) => millisecondsOf(expiresAt)));
    const row = putRow(place, linksRow, tokens);
    const changes: Change[] = [noteEnd(table, place, ends, leads, first.selector), ...leads.map((lead) => putLead(table, lead, place))];
    // A lead alone opens nothing: those that do not fit may come before, with the note that will have them removed.
    while (changes.length > LEADS_AT_ONCE) await store.change([], ...changes.splice(0, LEADS_AT_ONCE));
    await store.change([], ...changes, row);
  };

  const live = async (view: Pick<View, "get">, purpose: Purpose, proof: TokenProof, now: Date): Promise<Seen | null> => {
    millisecondsOf(now);
    const [lead] = await view.get(keys.link(proof.selector));
    if (!lead) return null;
    const { row: place, user: userKey } = keys.placeOf(lead.value);
    const [entry, userEntry] = await view.get(place, userKey);
    const link = rowOf(linksRow, entry)?.find(({ selector }) => selector === proof.selector);
    const user = rowOf(userRow, userEntry);
    // Its row is that of the user and the purpose: another purpose is another row.
    if (!link || place !== keys.linksOf(link.pid, purpose) || link.verifierHash !== proof.verifierHash) return null;
    return user?.epoch === link.epoch && !isOver(link.expiresAt, now) ? { place, link, userKey, user } : null;
  };

  return {
    startConfirmation: (token) => replace("confirm", [token]),
    finishConfirmation: (proof, now) =>
      store.decide(keys.link(proof.selector), async (view) => {
        const found = await live(view, "confirm", proof, now);
        if (found?.user.confirmedAt !== null || found.user.email !== found.link.destination) return null;
        view.change(putRow(found.userKey, userRow, { ...found.user, confirmedAt: now }), remove(found.place));
        return { pid: found.user.pid };
      }),
    async confirmUser(pid, address, now) {
      const changed = await changeUser(table, pid, ({ email, confirmedAt }) =>
        email === address ? { confirmedAt: confirmedAt ?? now } : null,
      );
      return changed !== null;
    },
    startRecovery: (tokens) => replace("recover", tokens),
    async findRecovery(proof, now) {
      const found = await live(store, "recover", proof, now);
      return found && { pid: found.link.pid, destination: found.link.destination };
    },
    finishRecovery: (proof, passwordHash, now) =>
      store.decide(keys.link(proof.selector), async (view) => {
        const found = await live(view, "recover", proof, now);
        if (!found) return null;
        const { user, link, place, userKey } = found;
        const epoch = user.epoch + 1;
        view.change(putRow(userKey, userRow, { ...user, passwordHash, epoch }), remove(place));
        return { pid: user.pid, epoch, destination: link.destination };
      }),
    startUnlock: (token) => replace("unlock", [token]),
    finishUnlock: (proof, now) =>
      store.decide(keys.link(proof.selector), async (view) => {
        const found = await live(view, "unlock", proof, now);
        if (!found) return null;
        const attempts = keys.attemptsOfUser(found.link.pid);
        const [entry] = await view.get(attempts);
        const lock = rowOf(attemptRow, entry)?.lock;
        if (lock?.by !== "attempts" || found.link.createdAt < lock.at) return null;
        view.change(remove(attempts), remove(found.place));
        return { pid: found.link.pid };
      }),
  };
}
