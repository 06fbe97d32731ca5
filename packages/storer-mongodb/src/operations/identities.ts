/** Identities at providers, which lie in the user's document, and flows. @module */
import { createHash } from "node:crypto";
import type { Identity, NewIdentity, OAuth2Flow, OAuth2Operations } from "@castellan/core";
import { advancing, type Collections, EPOCH, unlessTaken } from "../collections.ts";
import type { FlowRow, IdentityPart } from "../rows.ts";
import { after, IS_NOT_NULL, is, isNot, isNumber, isOrNull, moment, text, textOrNull } from "../values.ts";
import { newUserRow } from "./users.ts";

/** How many identities a list holds at most. */
const LONGEST_LIST = 100;

const SHOWN = { projection: { identities: 1 } } as const;

const keyOf = (issuer: string, subject: string): string =>
  createHash("sha256")
    .update(JSON.stringify([text(issuer), text(subject)]))
    .digest("base64url");

const saidOf = ({ provider, email, tokens }: IdentityPart["said"]): IdentityPart["said"] => ({
  provider: text(provider),
  email: textOrNull(email),
  tokens: textOrNull(tokens),
});

const partOf = ({ issuer, subject, provider, email, tokens, linkedAt }: NewIdentity): IdentityPart => ({
  key: keyOf(issuer, subject),
  issuer,
  subject,
  linkedAt: moment(linkedAt),
  said: saidOf({ provider, email, tokens }),
});

const identityOf = (pid: string, { key: _, said, ...identity }: IdentityPart): Identity => ({ ...identity, ...said, pid });

const flowRowOf = ({ key, browserKey, purpose, data, createdAt, expiresAt }: OAuth2Flow): FlowRow => ({
  _id: text(key),
  browserKey: text(browserKey),
  purpose: text(purpose),
  data: text(data),
  createdAt: moment(createdAt),
  expiresAt: moment(expiresAt),
});

const flowOf = ({ _id, ...flow }: FlowRow): OAuth2Flow => ({ key: _id, ...flow });

export function identityOperations({ users, flows }: Collections): OAuth2Operations {
  /** In the array of the user who is found, the one identity. */
  const only = (key: string) => ({ arrayFilters: [{ "one.key": is(key) }] });
  const live = (key: string, browserKey: string, purpose: string, now: Date) => ({
    _id: is(key),
    browserKey: is(browserKey),
    purpose: is(purpose),
    expiresAt: after(now),
  });

  return {
    async createUserWithIdentity(user, identity) {
      const row = { ...newUserRow(user), identities: [partOf(identity)] };
      return (await unlessTaken(() => users.insertOne(row))) !== null;
    },
    async findIdentity(issuer, subject) {
      const key = keyOf(issuer, subject);
      const user = await users.findOne({ "identities.key": is(key) }, SHOWN);
      const part = user?.identities.find((one) => one.key === key);
      return user && part ? identityOf(user._id, part) : null;
    },
    async listIdentities(pid) {
      const user = await users.findOne({ _id: is(pid) }, SHOWN);
      const oldestFirst = (user?.identities ?? []).toSorted((one, other) => one.linkedAt.getTime() - other.linkedAt.getTime());
      return oldestFirst.slice(0, LONGEST_LIST).map((part) => identityOf(pid, part));
    },
    async linkIdentity(pid, epoch, identity) {
      const part = partOf(identity);
      // The unique index holds between users, and not within one.
      const filter = { _id: is(pid), epoch: isNumber(epoch), "identities.key": isNot(part.key) };
      const linked = await unlessTaken(() => users.updateOne(filter, { $push: { identities: part } }));
      return (linked?.matchedCount ?? 0) > 0;
    },
    async unlinkIdentity(pid, epoch, issuer, subject, passwordCounts) {
      const key = keyOf(issuer, subject);
      const isAnotherLeft = { "identities.1": { $exists: true } };
      const filter = {
        _id: is(pid),
        epoch: isNumber(epoch),
        "identities.key": is(key),
        $or: passwordCounts ? [isAnotherLeft, { passwordHash: IS_NOT_NULL }] : [isAnotherLeft],
      };
      const update = { ...advancing(), $pull: { identities: { key: is(key) } } };
      return (await users.findOneAndUpdate(filter, update, EPOCH))?.epoch ?? null;
    },
    async noteIdentity(pid, { issuer, subject, provider, email, tokens }) {
      const key = keyOf(issuer, subject);
      const update = { $set: { "identities.$[one].said": saidOf({ provider, email, tokens }) } };
      return (await users.updateOne({ _id: is(pid), "identities.key": is(key) }, update, only(key))).matchedCount > 0;
    },
    async replaceTokens(pid, issuer, subject, from, to) {
      const key = keyOf(issuer, subject);
      const filter = { _id: is(pid), identities: { $elemMatch: { key: is(key), "said.tokens": isOrNull(from) } } };
      const update = { $set: { "identities.$[one].said.tokens": textOrNull(to) } };
      return (await users.updateOne(filter, update, only(key))).matchedCount > 0;
    },

    async startFlow(flow) {
      await flows.insertOne(flowRowOf(flow));
    },
    async findFlow(key, browserKey, purpose, now) {
      const row = await flows.findOne(live(key, browserKey, purpose, now));
      return row && flowOf(row);
    },
    async takeFlow(key, browserKey, purpose, now) {
      const row = await flows.findOneAndDelete(live(key, browserKey, purpose, now));
      return row && flowOf(row);
    },
  };
}
