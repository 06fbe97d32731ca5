/** Looks at client and server before they are trusted with users: do they answer as is needed, is the server new enough, and does it keep what it is given? @module */
import { ConfigError } from "@castellan/core";
import type { Server } from "./server.ts";

/** Scripts may read the time and then write since 5.0; older than 6.2 nothing is maintained. */
const OLDEST = [6, 2] as const;

export interface DurabilitySettings {
  /** Whether the connection is ours, which knows one node only. */
  readonly isOwn: boolean;
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

/** A setting of the server; `null` where CONFIG is forbidden, as it often is with a hosted server. */
async function settingOf(server: Server, name: string): Promise<string | null> {
  const reply = await server.command<unknown>("CONFIG", null, "GET", name).catch(() => null);
  if (typeof reply !== "object" || reply === null) return null;
  // Name and value in an array, or an object where the client speaks RESP 3.
  const value: unknown = Array.isArray(reply) ? reply[1] : Object.values(reply)[0];
  return typeof value === "string" ? value : null;
}

/** Whether the client hands over what Redis says: some can be told to make texts of numbers, or bytes of texts, and every "yes" would be taken for a "no". */
async function checkClient(server: Server): Promise<void> {
  const reply = await server.command<unknown>("EVAL", null, "return {1, 'text', false}", 0);
  if (JSON.stringify(reply) === '[1,"text",null]') return;
  throw new ConfigError([
    "storer-redis: the client answers in other kinds than Redis does: hand in one without `stringNumbers`, a type mapping, or anything else that changes replies",
  ]);
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
    if ((await settingOf(server, "save")) === "") {
      fatal.push(
        "storer-redis: the server keeps nothing on a disk: its next start would lose every user. Set `appendonly yes` and `appendfsync always`",
      );
    } else {
      doubtful.push(
        "storer-redis: the server writes snapshots only: a crash loses what came after the last one. Set `appendonly yes` and `appendfsync always`",
      );
    }
  } else {
    const fsync = await settingOf(server, "appendfsync");
    if (fsync !== null && fsync !== "always") {
      doubtful.push(
        `storer-redis: the server answers before its log is on the disk (appendfsync ${fsync}): a power cut takes the last writes back, and what was spent or ended by them is alive again. Set \`appendfsync always\``,
      );
    }
  }
  return { fatal, doubtful };
}

/** Rejects with a `ConfigError` where the server must not be used, and tells the rest as warnings. */
export async function checkServer(server: Server, { isOwn, dangerouslyAllowLoss, onWarning }: DurabilitySettings): Promise<void> {
  await checkClient(server);
  const facts = factsOf(await server.command<string>("INFO", null));
  const version = facts.get("redis_version") ?? "";
  if (isTooOld(version)) {
    throw new ConfigError([
      `storer-redis: the server is Redis ${version || "of an unknown version"}; ${OLDEST.join(".")} or later is needed`,
    ]);
  }
  if (isOwn && facts.get("cluster_enabled") === "1") {
    throw new ConfigError([
      "storer-redis: the server is a node of a cluster, which an address cannot open: hand in a `client`, `new Cluster([…])` of ioredis or `createCluster({…})` of redis",
    ]);
  }
  const { fatal, doubtful } = await problemsOf(server, facts);
  if (fatal.length > 0 && !dangerouslyAllowLoss) throw new ConfigError(fatal);
  for (const problem of [...fatal, ...doubtful]) onWarning(problem);
}
