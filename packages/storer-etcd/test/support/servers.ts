/** Real etcd servers for tests: started here on free ports and in a folder of their own, stopped and started again, and loudly missed. @module */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { request as requestPlain } from "node:http";
import { request as requestEncrypted } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";

const PROGRAM = process.env["ETCD_SERVER"] ?? "etcd";
export const isMissing = spawnSync(PROGRAM, ["--version"]).status !== 0;
const MISSING = `No ${PROGRAM} here: the etcd storer is NOT tested. Install the package etcd-server, or set ETCD_SERVER.`;

/** For `describe.skipIf`: tests that need a server are skipped where there is none, aloud, and fail under CI=true. */
export const withoutEtcd = isMissing && process.env["CI"] !== "true";
if (withoutEtcd) console.warn(`\n*** ${MISSING} ***\n`);

/** A port that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port was free");
  return address.port;
}

/** What a request is answered with, past the storer. */
export type Call = (path: string, body: object, token?: string) => Promise<Readonly<Record<string, unknown>>>;

export interface EtcdServer {
  readonly port: number;
  /** Of an empty store; more of them by a path of one's own: `${uri}/other`. */
  readonly uri: string;
  /** Its data and its log; goes with it. */
  readonly folder: string;
  /** A request past the storer: to look at what is stored, and to change it. Rejects with what etcd says. */
  readonly call: Call;
  /** Starts it again, on the same port with the same data, if it does not run. */
  start(): Promise<void>;
  /** Stops it at once, as a crash would. */
  stop(): Promise<void>;
  /** Freezes it: it takes connections, and answers nothing. */
  freeze(): Promise<void>;
  wake(): void;
  /** Stops it, if it runs, and removes all that it left. */
  end(): Promise<void>;
}

export interface ServerOptions {
  /** Of the command line. */
  readonly flags?: readonly string[];
  /** Files of a certificate for `localhost` and its key, for TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Its place in a cluster. @default it is alone */
  readonly member?: Member;
}

interface Member {
  readonly port: number;
  /** Where its fellows reach it. */
  readonly peerPort: number;
  /** Where all members are reached, itself too. */
  readonly fellows: readonly number[];
}

const nameOf = (peerPort: number): string => `at-${peerPort}`;
const peerUrl = (peerPort: number): string => `http://127.0.0.1:${peerPort}`;

async function aloneAt(): Promise<Member> {
  const peerPort = await freePort();
  return { port: await freePort(), peerPort, fellows: [peerPort] };
}

/** One connection a request: one that was kept would not outlive a restart. */
function callOf(port: number, tls: ServerOptions["tls"]): Call {
  const certificate = tls && { rejectUnauthorized: false, cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
  return (path, body, token) =>
    new Promise((resolve, reject) => {
      const options = {
        host: "127.0.0.1",
        port,
        method: "POST",
        path,
        agent: false,
        ...certificate,
        headers: { ...(token !== undefined && { authorization: token }) },
      };
      const outgoing = (tls ? requestEncrypted : requestPlain)(options, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        incoming.on("error", reject).on("end", () => (incoming.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text))));
      });
      outgoing.on("error", reject).end(JSON.stringify(body));
    });
}

/** Whether all threads of a process are: the signal reaches one after another. */
async function isStopped(pid: number | undefined): Promise<boolean> {
  const threads = `/proc/${pid}/task`;
  const states = await Promise.all((await readdir(threads)).map((thread) => readFile(join(threads, thread, "stat"), "utf8")));
  return states.every((state) => /\) T /.test(state));
}

/** It keeps its settings for what is acknowledged: each write is synced to the disk before it is answered, which etcd always does. */
export async function newServer({ flags = [], tls, member }: ServerOptions = {}): Promise<EtcdServer> {
  if (isMissing) throw new Error(MISSING);
  const folder = await mkdtemp(join(tmpdir(), "storer-etcd-"));
  const { port, peerPort, fellows } = member ?? (await aloneAt());
  const call = callOf(port, tls);
  const [client, peer] = [`${tls ? "https" : "http"}://127.0.0.1:${port}`, peerUrl(peerPort)];
  const fixed = [
    ["--name", nameOf(peerPort), "--data-dir", join(folder, "data"), "--log-level", "error"],
    ["--listen-client-urls", client, "--advertise-client-urls", client],
    [
      "--listen-peer-urls",
      peer,
      "--initial-advertise-peer-urls",
      peer,
      "--initial-cluster",
      fellows.map((at) => `${nameOf(at)}=${peerUrl(at)}`).join(","),
    ],
    // A server alone need not wait long for others, and those of one machine not much longer.
    fellows.length > 1
      ? ["--heartbeat-interval", "50", "--election-timeout", "500"]
      : ["--heartbeat-interval", "10", "--election-timeout", "100"],
    tls ? ["--cert-file", tls.cert, "--key-file", tls.key] : [],
  ].flat();
  let running: ChildProcess | null = null;

  const isReady = async (): Promise<boolean> => {
    try {
      const { leader } = await call("/v3/maintenance/status", {});
      return typeof leader === "string" && leader !== "0";
    } catch {
      return false;
    }
  };
  const start = async () => {
    if (running) return;
    const log = openSync(join(folder, "log"), "a");
    const child = spawn(PROGRAM, [...fixed, ...flags], { stdio: ["ignore", log, log] });
    closeSync(log);
    running = child;
    while (!(await isReady())) {
      if (child.exitCode !== null) throw new Error(`${PROGRAM} ended at once, with ${child.exitCode}: ${flags.join(" ")}`);
    }
  };
  const stop = async () => {
    const child = running;
    running = null;
    if (!child || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  };
  await start();
  return {
    port,
    uri: `${tls ? "etcds" : "etcd"}://127.0.0.1:${port}`,
    folder,
    call,
    start,
    stop,
    freeze: async () => {
      running?.kill("SIGSTOP");
      while (running && !(await isStopped(running.pid))) await turn();
    },
    wake: () => running?.kill("SIGCONT"),
    async end() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Three servers that are one store. */
export async function newCluster(): Promise<readonly EtcdServer[]> {
  const fellows = [await freePort(), await freePort(), await freePort()];
  return Promise.all(fellows.map(async (peerPort) => newServer({ member: { port: await freePort(), peerPort, fellows } })));
}
