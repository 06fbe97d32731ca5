/** The rows that say who is signed in: the rest of the capability "server". @module */
import type { ExpireOperations, FactorProof, SignIn, SignInOperations } from "@castellan/core";
import { type Collections, isOfEpoch, unlessTaken } from "../collections.ts";
import type { SignInRow } from "../rows.ts";
import { after, by, is, isNot, isNumber, moment, text, whole } from "../values.ts";
import { type MongoUser, type ShownUser, shown, userOf } from "./users.ts";

/** How many sign-ins a list holds at most. */
const LONGEST_LIST = 100;

const factorsOf = (factors: readonly FactorProof[]): FactorProof[] =>
  factors.map(({ method, at }) => ({ method: text(method), at: moment(at) }));

const rowOf = (key: string, signIn: SignIn): SignInRow => ({
  _id: text(signIn.id),
  key: text(key),
  pid: text(signIn.pid),
  epoch: whole(signIn.epoch),
  level: signIn.level === "full" ? "full" : "half",
  factors: factorsOf(signIn.factors),
  createdAt: moment(signIn.createdAt),
  seenAt: moment(signIn.seenAt),
  idleEndsAt: moment(signIn.idleEndsAt),
  endsAt: moment(signIn.endsAt),
  userAgent: text(signIn.userAgent),
  network: text(signIn.network),
});

const signInOf = ({ _id, key: _, ...row }: SignInRow): SignIn => ({ id: _id, ...row });

/** Where its time is not over. Whether its epoch is the user's is asked besides. */
const running = (now: Date) => ({ idleEndsAt: after(now), endsAt: after(now) });
const over = (now: Date) => ({ $or: [{ idleEndsAt: by(now) }, { endsAt: by(now) }] });

export function signInOperations(collections: Collections): SignInOperations<MongoUser> & ExpireOperations {
  const { users, sign_ins } = collections;

  return {
    async createSignIn(key, signIn) {
      const row = rowOf(key, signIn);
      // Should the epoch advance between the two, the row is dead when it is made.
      if (!(await isOfEpoch(collections, row.pid, row.epoch))) return false;
      return (await unlessTaken(() => sign_ins.insertOne(row))) !== null;
    },
    async findSignIn(key, now) {
      const [found] = await sign_ins
        .aggregate<SignInRow & { readonly user: readonly ShownUser[] }>([
          { $match: { key: is(key), ...running(now) } },
          { $lookup: { from: users.collectionName, localField: "pid", foreignField: "_id", as: "user" } },
          { $project: shown("user.") },
        ])
        .toArray();
      if (!found) return null;
      const {
        user: [user],
        ...row
      } = found;
      return user?.epoch === row.epoch ? { user: userOf(user), signIn: signInOf(row) } : null;
    },
    async touchSignIn(key, seenAt, idleEndsAt) {
      const update = { $set: { seenAt: moment(seenAt), idleEndsAt: { $min: ["$endsAt", moment(idleEndsAt)] } } };
      // One of an earlier epoch may be moved too: it stays dead.
      await sign_ins.updateOne({ key: is(key), ...running(seenAt) }, [update]);
    },
    async replaceSignIn(key, next, now) {
      const live = { key: is(key), epoch: isNumber(next.epoch), ...running(now) };
      const row = await sign_ins.findOne(live, { projection: { pid: 1 } });
      if (!row || !(await isOfEpoch(collections, row.pid, next.epoch))) return false;
      const update = {
        $set: { key: text(next.key), level: next.level === "full" ? "full" : "half", factors: factorsOf(next.factors) },
      } as const;
      return ((await unlessTaken(() => sign_ins.updateOne(live, update)))?.matchedCount ?? 0) > 0;
    },
    async takeExpiredSignIn(key, now) {
      const row = await sign_ins.findOne({ key: is(key), ...over(now) });
      if (!row || !(await isOfEpoch(collections, row.pid, row.epoch))) return null;
      const taken = await sign_ins.findOneAndDelete({ key: is(key), epoch: isNumber(row.epoch), ...over(now) });
      return taken && signInOf(taken);
    },
    async endSignIn(key) {
      return (await sign_ins.deleteOne({ key: is(key) })).deletedCount > 0;
    },
    async endSignInOf(pid, id) {
      return (await sign_ins.deleteOne({ _id: is(id), pid: is(pid) })).deletedCount > 0;
    },
    async endSignIns(pid, exceptKey) {
      const filter = { pid: is(pid), ...(exceptKey !== null && { key: isNot(exceptKey) }) };
      // By the index whose keys never change: in another one, a sign-in that is used or replaced meanwhile could slip past.
      return (await sign_ins.deleteMany(filter, { hint: "user" })).deletedCount;
    },
    async listSignIns(pid, now) {
      const user = await users.findOne({ _id: is(pid) }, { projection: { epoch: 1 } });
      if (!user) return [];
      const rows = sign_ins.find({ pid: is(pid), epoch: isNumber(user.epoch), ...running(now) });
      return (await rows.sort({ seenAt: -1 }).limit(LONGEST_LIST).toArray()).map(signInOf);
    },
  };
}
