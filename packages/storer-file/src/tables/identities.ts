/** Identities at providers, and flows,. @module */
import type { Identity, NewIdentity, OAuth2Operations } from "@castellan/core";
import { isOver, type Operation, type Tables, updateUser } from "./tables.ts";
import { makeUser } from "./users.ts";

const LONGEST_LIST = 100;

const keyOf = ({ issuer, subject }: Pick<NewIdentity, "issuer" | "subject">): string => JSON.stringify([issuer, subject]);

export function identityOperations(tables: Tables, operation: Operation): OAuth2Operations {
  const { users, identities, flows } = tables;
  const living = (issuer: string, subject: string): Identity | null => {
    const identity = identities.get(keyOf({ issuer, subject }));
    return identity && users.has(identity.pid) ? identity : null;
  };
  const ofUser = (pid: string, issuer: string, subject: string): Identity | null => {
    const identity = living(issuer, subject);
    return identity?.pid === pid ? identity : null;
  };
  const listOf = (pid: string): readonly Identity[] => [...identities.values()].filter((identity) => identity.pid === pid);
  const liveFlow = (key: string, browserKey: string, purpose: string, now: Date) => {
    const flow = flows.get(key);
    return flow?.browserKey === browserKey && flow.purpose === purpose && !isOver(flow.expiresAt, now) ? flow : null;
  };
  const put = (pid: string, identity: NewIdentity): void => {
    // Behind all others, also where somebody who is gone had it before.
    identities.delete(keyOf(identity));
    identities.set(keyOf(identity), { ...identity, pid });
  };

  return {
    createUserWithIdentity: operation("createUserWithIdentity", (user, identity) => {
      if (living(identity.issuer, identity.subject) || !makeUser(tables, user)) return false;
      put(user.pid, identity);
      return true;
    }),
    findIdentity: operation("findIdentity", living),
    listIdentities: operation("listIdentities", (pid) =>
      users.has(pid)
        ? listOf(pid)
            .toSorted((one, other) => one.linkedAt.getTime() - other.linkedAt.getTime())
            .slice(0, LONGEST_LIST)
        : [],
    ),
    linkIdentity: operation("linkIdentity", (pid, epoch, identity) => {
      if (users.get(pid)?.epoch !== epoch || living(identity.issuer, identity.subject)) return false;
      put(pid, identity);
      return true;
    }),
    unlinkIdentity: operation("unlinkIdentity", (pid, epoch, issuer, subject, passwordCounts) => {
      const [user, identity] = [users.get(pid), ofUser(pid, issuer, subject)];
      if (!identity || user?.epoch !== epoch) return null;
      if (listOf(pid).length < 2 && !(passwordCounts && user.passwordHash !== null)) return null;
      identities.delete(keyOf(identity));
      return updateUser(tables, pid, () => ({ epoch: epoch + 1 }))?.epoch ?? null;
    }),
    noteIdentity: operation("noteIdentity", (pid, { issuer, subject, provider, email, tokens }) => {
      const identity = ofUser(pid, issuer, subject);
      if (identity) identities.set(keyOf(identity), { ...identity, provider, email, tokens });
      return identity !== null;
    }),
    replaceTokens: operation("replaceTokens", (pid, issuer, subject, from, to) => {
      const identity = ofUser(pid, issuer, subject);
      if (identity?.tokens !== from) return false;
      identities.set(keyOf(identity), { ...identity, tokens: to });
      return true;
    }),
    startFlow: operation("startFlow", (flow) => {
      flows.set(flow.key, flow);
    }),
    findFlow: operation("findFlow", liveFlow),
    takeFlow: operation("takeFlow", (key, browserKey, purpose, now) => {
      const flow = liveFlow(key, browserKey, purpose, now);
      if (flow) flows.delete(key);
      return flow;
    }),
  };
}
