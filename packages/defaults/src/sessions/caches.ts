/** Cookies on an answer, and the caches between the server and the browser. @module */
import type { ServerResponse } from "node:http";

/** No cache may hand an answer with somebody's cookie to somebody else, unless the application has said what may be done with it. */
export function keepOutOfCaches(res: ServerResponse): void {
  if (!res.hasHeader("cache-control")) res.setHeader("cache-control", "no-store");
}

/** Whether the application says that caches may give this answer to everybody (RFC 9111, 5.2.2). */
export const isForEverybody = (res: ServerResponse): boolean =>
  /\b(?:public|s-maxage)\b/i.test(String(res.getHeader("cache-control") ?? ""));

/** Whether the answer sets or removes the cookie `name` already. */
export const setsCookie = (res: ServerResponse, name: string): boolean =>
  [res.getHeader("set-cookie") ?? []].flat().some((line) => String(line).startsWith(`${name}=`));
