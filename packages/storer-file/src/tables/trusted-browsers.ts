/** Trusted browsers. @module */
import type { TrustedBrowser, TrustedBrowserOperations } from "@castellan/core";
import { deleteWhere, isOver, type Operation, type Tables } from "./tables.ts";

const LONGEST_LIST = 100;

export function trustedBrowserOperations({ users, trustedBrowsers }: Tables, operation: Operation): TrustedBrowserOperations {
  const isLive = ({ pid, epoch, expiresAt }: TrustedBrowser, now: Date) => !isOver(expiresAt, now) && users.get(pid)?.epoch === epoch;
  const liveOf = (pid: string, now: Date) => [...trustedBrowsers.values()].filter((browser) => browser.pid === pid && isLive(browser, now));

  return {
    addTrustedBrowser: operation("addTrustedBrowser", (browser) => {
      const isTaken = [...trustedBrowsers.values()].some(({ id, keyHash }) => id === browser.id || keyHash === browser.keyHash);
      if (isTaken || users.get(browser.pid)?.epoch !== browser.epoch) return false;
      trustedBrowsers.set(browser.id, browser);
      return true;
    }),
    findTrustedBrowser: operation(
      "findTrustedBrowser",
      (pid, keyHash, now) => liveOf(pid, now).find((browser) => browser.keyHash === keyHash) ?? null,
    ),
    listTrustedBrowsers: operation("listTrustedBrowsers", (pid, now) =>
      liveOf(pid, now)
        .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
        .slice(0, LONGEST_LIST),
    ),
    endTrustedBrowser: operation(
      "endTrustedBrowser",
      (pid, id) => deleteWhere(trustedBrowsers, (browser) => browser.pid === pid && browser.id === id) > 0,
    ),
    endTrustedBrowsers: operation("endTrustedBrowsers", (pid) => deleteWhere(trustedBrowsers, (browser) => browser.pid === pid)),
  };
}
