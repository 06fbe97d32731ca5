/** The mail queue: a mail, its state, and a key by the moment when it is due. @module */
import type { MailQueueOperations, QueuedMail } from "@castellan/core";
import { millisecondsOf, text } from "../codec.ts";
import { type MailState, mailRow, mailState } from "../rows.ts";
import { type Change, put, remove, type View } from "../store.ts";
import { putRow, rowOf, type Table } from "../table.ts";

/** Those who claim at once in one process take turns: each would go for the same mails. */
const LANE = "mails";

export function mailOperations({ store, keys }: Table): MailQueueOperations {
  const stateChanges = (id: string, state: MailState): Change[] => [
    putRow(keys.mailState(id), mailState, state),
    put(keys.mailDue(millisecondsOf(state.dueAt), id), text.read(text.write(id))),
  ];
  const move = (view: View, id: string, before: MailState, after: MailState): void => {
    const [from, to] = [keys.mailDue(before.dueAt.getTime(), id), keys.mailDue(millisecondsOf(after.dueAt), id)];
    view.change(...stateChanges(id, after));
    if (from !== to) view.change(remove(from));
  };
  /** The mail, if it is still due: claimed by somebody else, it is not. */
  const claim = (id: string, now: Date, until: Date): Promise<QueuedMail | null> =>
    store.decide(keys.mailState(id), async (view) => {
      const [mailEntry, stateEntry] = await view.get(keys.mail(id), keys.mailState(id));
      const [mail, before] = [rowOf(mailRow, mailEntry), rowOf(mailState, stateEntry)];
      if (!mail || !before || before.dueAt > now) return null;
      const after = { attempts: before.attempts + 1, dueAt: until };
      move(view, id, before, after);
      return { ...mail, ...after };
    });

  return {
    async queueMail({ id, payload, createdAt, dueAt }) {
      await store.change([], putRow(keys.mail(id), mailRow, { id, payload, createdAt }), ...stateChanges(id, { attempts: 0, dueAt }));
    },
    claimMails: (now, until, limit) =>
      store.inLane(LANE, async () => {
        const claimed: QueuedMail[] = [];
        const seen = new Set<string>();
        const due = keys.mailsDueUntil(millisecondsOf(now));
        millisecondsOf(until);
        while (claimed.length < limit) {
          const found = (await store.between(due, limit - claimed.length)).map(({ value }) => value).filter((id) => !seen.has(id));
          // What was seen and is still due was claimed for no later than now.
          if (found.length === 0) break;
          for (const id of found) {
            seen.add(id);
            const mail = await claim(id, now, until);
            if (mail) claimed.push(mail);
          }
        }
        return claimed;
      }),
    removeMail: (id) =>
      store.decide(keys.mailState(id), async (view) => {
        const [entry] = await view.get(keys.mailState(id));
        const state = rowOf(mailState, entry);
        if (!state) return false;
        view.change(remove(keys.mail(id)), remove(keys.mailState(id)), remove(keys.mailDue(state.dueAt.getTime(), id)));
        return true;
      }),
    postponeMail: (id, dueAt) =>
      store.decide(keys.mailState(id), async (view) => {
        const [entry] = await view.get(keys.mailState(id));
        const before = rowOf(mailState, entry);
        if (before) move(view, id, before, { ...before, dueAt });
      }),
  };
}
