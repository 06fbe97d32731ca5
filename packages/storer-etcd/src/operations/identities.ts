/** Identities at providers: rows under their user, and a lead that keeps each to one user; and flows. @module */
import type { Identity, NewIdentity, OAuth2Flow, OAuth2Operations } from "@castellan/core";
import { millisecondsOf, nullable, text } from "../codec.ts";
import { flowRow, identityRow, isOver, userRow } from "../rows.ts";
import { type Change, type Entry, remove, type View } from "../store.ts";
import { changeUserIn, noteEnd, putLead, putRow, rowOf, type Table } from "../table.ts";
import { makeUser } from "./users.ts";

const LONGEST_LIST = 100;

type Named = Pick<NewIdentity, "issuer" | "subject">;

export function identityOperations(table: Table): OAuth2Operations {
  const { store, keys } = table;

  /** The identity under a lead, if it is a living user's. What it is read with belongs to what the transaction compares. */
  const living = async (view: Pick<View, "get">, { issuer, subject }: Named): Promise<Identity | null> => {
    const [lead] = await view.get(keys.identity(issuer, subject));
    if (!lead) return null;
    const { row, user } = keys.placeOf(lead.value);
    const [entry, owner] = await view.get(row, user);
    return owner ? rowOf(identityRow, entry) : null;
  };
  /** The identity, if it is this user's. */
  const ofUser = async (view: View, pid: string, { issuer, subject }: Named): Promise<Identity | null> => {
    const [entry, owner] = await view.get(keys.identityOf(pid, issuer, subject), keys.user(pid));
    return owner ? rowOf(identityRow, entry) : null;
  };
  const putIdentity = (identity: Identity): Change =>
    putRow(keys.identityOf(identity.pid, identity.issuer, identity.subject), identityRow, identity);
  const give = (pid: string, identity: NewIdentity): Change[] => [
    putIdentity({ ...identity, pid }),
    putLead(table, keys.identity(identity.issuer, identity.subject), keys.identityOf(pid, identity.issuer, identity.subject)),
  ];
  const liveFlow = (entry: Entry | null | undefined, browserKey: string, purpose: string, now: Date): OAuth2Flow | null => {
    millisecondsOf(now);
    const flow = rowOf(flowRow, entry);
    return flow?.browserKey === browserKey && flow.purpose === purpose && !isOver(flow.expiresAt, now) ? flow : null;
  };

  return {
    createUserWithIdentity: (user, identity) =>
      store.decide(keys.identity(identity.issuer, identity.subject), async (view) => {
        if ((await living(view, identity)) || !(await makeUser(view, table, user))) return false;
        view.change(...give(user.pid, identity));
        return true;
      }),
    findIdentity: (issuer, subject) => living(store, { issuer, subject }),
    async listIdentities(pid) {
      const [owner] = await store.get(keys.user(pid));
      if (!owner) return [];
      return [...(await store.listAll(keys.allIdentitiesOf(pid)))]
        .sort((one, other) => one.createRevision - other.createRevision)
        .flatMap((entry) => rowOf(identityRow, entry) ?? [])
        .sort((one, other) => one.linkedAt.getTime() - other.linkedAt.getTime())
        .slice(0, LONGEST_LIST);
    },
    linkIdentity: (pid, epoch, identity) =>
      store.decide(keys.identity(identity.issuer, identity.subject), async (view) => {
        const [entry] = await view.get(keys.user(pid));
        if (rowOf(userRow, entry)?.epoch !== epoch || (await living(view, identity))) return false;
        view.change(...give(pid, identity));
        return true;
      }),
    unlinkIdentity: (pid, epoch, issuer, subject, passwordCounts) =>
      store.decide(keys.user(pid), async (view) => {
        const place = keys.identityOf(pid, issuer, subject);
        // Every unlinking writes the user, so of two at once one decides anew.
        const { listed, got } = await view.list(keys.allIdentitiesOf(pid), 2, keys.user(pid), place);
        const [user, identity] = [rowOf(userRow, got[0]), got[1]];
        if (!identity || user?.epoch !== epoch) return null;
        if (listed.length < 2 && !(passwordCounts && user.passwordHash !== null)) return null;
        view.change(remove(place), remove(keys.identity(issuer, subject)));
        return (await changeUserIn(view, keys.user(pid), () => ({ epoch: epoch + 1 })))?.epoch ?? null;
      }),
    noteIdentity: (pid, { issuer, subject, provider, email, tokens }) =>
      store.decide(keys.identity(issuer, subject), async (view) => {
        const identity = await ofUser(view, pid, { issuer, subject });
        if (!identity) return false;
        view.change(putIdentity({ ...identity, provider, email, tokens }));
        return true;
      }),
    replaceTokens: (pid, issuer, subject, from, to) =>
      store.decide(keys.identity(issuer, subject), async (view) => {
        nullable(text).write(to);
        const identity = await ofUser(view, pid, { issuer, subject });
        if (identity?.tokens !== from) return false;
        view.change(putIdentity({ ...identity, tokens: to }));
        return true;
      }),

    async startFlow(flow) {
      const place = keys.flow(flow.key);
      await store.change([], putRow(place, flowRow, flow), noteEnd(table, place, flow.expiresAt.getTime()));
    },
    async findFlow(key, browserKey, purpose, now) {
      const [entry] = await store.get(keys.flow(key));
      return liveFlow(entry, browserKey, purpose, now);
    },
    takeFlow: (key, browserKey, purpose, now) =>
      store.decide(keys.flow(key), async (view) => {
        const [entry] = await view.get(keys.flow(key));
        const flow = liveFlow(entry, browserKey, purpose, now);
        if (flow) view.change(remove(keys.flow(key)));
        return flow;
      }),
  };
}
