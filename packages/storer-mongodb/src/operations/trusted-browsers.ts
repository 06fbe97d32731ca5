/** Trusted browsers. @module */
import type { TrustedBrowser, TrustedBrowserOperations } from "@castellan/core";
import { type Collections, isOfEpoch, unlessTaken } from "../collections.ts";
import type { TrustedBrowserRow } from "../rows.ts";
import { after, is, isNumber, moment, text, whole } from "../values.ts";

/** How many browsers a list holds at most. */
const LONGEST_LIST = 100;

const rowOf = ({ id, keyHash, pid, epoch, createdAt, expiresAt, userAgent, network }: TrustedBrowser): TrustedBrowserRow => ({
  _id: text(id),
  keyHash: text(keyHash),
  pid: text(pid),
  epoch: whole(epoch),
  createdAt: moment(createdAt),
  expiresAt: moment(expiresAt),
  userAgent: text(userAgent),
  network: text(network),
});

const browserOf = ({ _id, ...browser }: TrustedBrowserRow): TrustedBrowser => ({ id: _id, ...browser });

export function trustedBrowserOperations(collections: Collections): TrustedBrowserOperations {
  const { users, trusted_browsers } = collections;

  return {
    async addTrustedBrowser(browser) {
      const row = rowOf(browser);
      if (!(await isOfEpoch(collections, row.pid, row.epoch))) return false;
      return (await unlessTaken(() => trusted_browsers.insertOne(row))) !== null;
    },
    async findTrustedBrowser(pid, keyHash, now) {
      const row = await trusted_browsers.findOne({ keyHash: is(keyHash), pid: is(pid), expiresAt: after(now) });
      return row && (await isOfEpoch(collections, pid, row.epoch)) ? browserOf(row) : null;
    },
    async listTrustedBrowsers(pid, now) {
      const user = await users.findOne({ _id: is(pid) }, { projection: { epoch: 1 } });
      if (!user) return [];
      const rows = trusted_browsers.find({ pid: is(pid), epoch: isNumber(user.epoch), expiresAt: after(now) });
      return (await rows.sort({ createdAt: -1 }).limit(LONGEST_LIST).toArray()).map(browserOf);
    },
    async endTrustedBrowser(pid, id) {
      return (await trusted_browsers.deleteOne({ _id: is(id), pid: is(pid) })).deletedCount > 0;
    },
    async endTrustedBrowsers(pid) {
      return (await trusted_browsers.deleteMany({ pid: is(pid) })).deletedCount;
    },
  };
}
