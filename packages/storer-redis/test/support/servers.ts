/** Real Redis servers for tests: started here on a free port and in a folder of their own, stopped and started again, and loudly missed. @module */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { Redis } from "ioredis";

const PROGRAM = process.env["REDIS_SERVER"] ?? "redis-server";
const isMissing = spawnSync(PROGRAM, ["--version"]).status !== 0;
const mayBeMissing = process.env["CI"] !== "true";
const MISSING = `No ${PROGRAM} here: the Redis storer is NOT tested. Install the package redis-server, or set REDIS_SERVER.`;

/** For `describe.skipIf`: tests that need a server are skipped where there is none, aloud, and fail under CI=true. */
export const withoutRedis = isMissing && mayBeMissing;
if (withoutRedis) console.warn(`\n*** ${MISSING} ***\n`);

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port was free");
  return address.port;
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  start(): Promise<void>;
  /** By SIGKILL unless said otherwise: nothing is saved, nobody is told. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Freezes or wakes the process: it takes connections and answers nothing. */
  signal(signal: NodeJS.Signals): void;
  /** Stops it and removes its folder. */
  end(): Promise<void>;
}

/** Each with a fresh connection: one that waits for a server to come back would wait too long. */
async function answers(port: number, loading: string): Promise<boolean> {
  const probe = new Redis({ port, host: "127.0.0.1", lazyConnect: true, retryStrategy: () => null, connectTimeout: 500 });
  probe.on("error", () => {});
  try {
    await probe.connect();
    return !(await probe.info("persistence")).includes(loading);
  } catch {
    return false;
  } finally {
    probe.disconnect();
  }
}

export async function newServer(...options: readonly string[]): Promise<RedisServer> {
  if (isMissing) throw new Error(MISSING);
  const folder = await mkdtemp(join(tmpdir(), "storer-redis-"));
  const port = await freePort();
  let running: ChildProcess | null = null;

  const stop = async (signal: NodeJS.Signals = "SIGKILL") => {
    const child = running;
    if (!child) return;
    running = null;
    if (child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  };
  const start = async () => {
    const fixed = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"];
    const child = spawn(PROGRAM, [...fixed, ...options], { stdio: "ignore" });
    running = child;
    while (!(await answers(port, "loading:1"))) {
      if (child.exitCode !== null) throw new Error(`${PROGRAM} ended at once, with ${child.exitCode}: ${options.join(" ")}`);
    }
  };
  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    start,
    stop,
    signal: (signal) => running?.kill(signal),
    async end() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A connection past the storer, to look at what is stored and to change it. */
export function connectionTo(server: RedisServer): Redis {
  return new Redis(server.url);
}

/** How many masters a cluster has. */
const MASTERS = 3;

export interface RedisCluster {
  readonly servers: readonly RedisServer[];
  end(): Promise<void>;
}

/** A cluster of three masters, with the slots shared out evenly. */
export async function newCluster(): Promise<RedisCluster> {
  const servers = await Promise.all(
    Array.from({ length: MASTERS }, () => newServer("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")),
  );
  const connections = servers.map(connectionTo);
  const [first] = servers;
  const slots = 16_384;
  for (const [index, connection] of connections.entries()) {
    const [from, to] = [Math.floor((slots * index) / MASTERS), Math.floor((slots * (index + 1)) / MASTERS) - 1];
    await connection.call("CLUSTER", "ADDSLOTSRANGE", from, to);
    await connection.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    if (first && index > 0) await connection.call("CLUSTER", "MEET", "127.0.0.1", first.port);
  }
  for (const connection of connections) {
    while (!String(await connection.call("CLUSTER", "INFO")).includes("cluster_state:ok")) await turn();
    while (
      String(await connection.call("CLUSTER", "NODES"))
        .trim()
        .split("\n").length < MASTERS
    )
      await turn();
    connection.disconnect();
  }
  return {
    servers,
    end: async () => {
      await Promise.all(servers.map((server) => server.end()));
    },
  };
}
