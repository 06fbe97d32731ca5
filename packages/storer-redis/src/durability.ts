/** Looks at the server before it is trusted with users: is it new enough, and does it keep what it is given? @module */
import { ConfigError } from "@castellan/core";
import type { Server } from "./server.ts";

/** Scripts may read the time and then write since 5.0; older than 6.2 nothing is maintained. */
const OLDEST = [6, 2] as const;

export interface DurabilitySettings {
  readonly dangerouslyAllowLoss: boolean;
  readonly onWarning: (message: string) => void;
}

/** The lines of INFO, `name:value` each. */
const factsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(":");
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

/** Whether RDB files are written by themselves; `null` where CONFIG is forbidden, as it often is with a hosted server. */
async function savesSnapshots(server: Server): Promise<boolean | null> {
  const reply = await server.command<unknown>("CONFIG", null, "GET", "save").catch(() => null);
  // An array, or an object where the client speaks RESP 3.
  if (Array.isArray(reply)) return String(reply[1] ?? "") !== "";
  if (typeof reply === "object" && reply !== null) return String(Object.values(reply)[0] ?? "") !== "";
  return null;
}

/** What would lose users, and what would lose the last minutes only. */
async function problemsOf(server: Server, facts: ReadonlyMap<string, string>): Promise<{ fatal: string[]; doubtful: string[] }> {
  const [fatal, doubtful]: [string[], string[]] = [[], []];
  const policy = facts.get("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction" && Number(facts.get("maxmemory") ?? 0) > 0) {
    fatal.push(
      `storer-redis: the server throws keys away when its memory is full (maxmemory-policy ${policy}): users, locks and sign-ins would go. Set \`maxmemory-policy noeviction\`, or use another server than the cache's`,
    );
  }
  if (facts.get("aof_enabled") === "0") {
    if ((await savesSnapshots(server)) === false) {
      fatal.push("storer-redis: the server keeps nothing on a disk: its next start would lose every user. Set `appendonly yes`");
    } else {
      doubtful.push("storer-redis: the server writes snapshots only: a crash loses what came after the last one. Set `appendonly yes`");
    }
  }
  return { fatal, doubtful };
}

/** Rejects with a `ConfigError` where the server must not be used, and tells the rest as warnings. */
export async function checkServer(server: Server, { dangerouslyAllowLoss, onWarning }: DurabilitySettings): Promise<void> {
  const facts = factsOf(await server.command<string>("INFO", null));
  const version = facts.get("redis_version") ?? "";
  if (isTooOld(version)) {
    throw new ConfigError([
      `storer-redis: the server is Redis ${version || "of an unknown version"}; ${OLDEST.join(".")} or later is needed`,
    ]);
  }
  const { fatal, doubtful } = await problemsOf(server, facts);
  if (fatal.length > 0 && !dangerouslyAllowLoss) throw new ConfigError(fatal);
  for (const problem of [...fatal, ...doubtful]) onWarning(problem);
}
