/** Database servers of the machine's packages, each in a folder of its own and with the settings under which what is acknowledged is on the disk. @module */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * @typedef {object} Database
 * @property {string} uri of an empty database, as `openStorer` takes it
 * @property {() => Promise<void>} end stops the server, if one was started, and removes its folder
 */

/** @returns {Promise<number>} a port that nobody has at the moment */
async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const port = Object(probe.address()).port;
  probe.close();
  await once(probe, "close");
  return port;
}

const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "castellan-bench-"));
  chmodSync(folder, 0o755);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** What to put before a command so that it runs as `name`, to whom `folder` is given: some servers refuse to run as root. */
function asUser(/** @type {string} */ name, /** @type {string} */ folder) {
  if (process.getuid?.() !== 0) return [];
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (!uid || !gid) throw new Error(`there is no user ${name} on this machine`);
  chownSync(folder, Number(uid), Number(gid));
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"];
}

/**
 * Starts a program and waits until `isUp` no longer rejects.
 * @param {readonly string[]} command @param {string} folder @param {() => Promise<unknown>} isUp @param {NodeJS.Signals} [signal] at which it ends in good order
 * @returns {Promise<() => Promise<void>>} what ends it
 */
async function begin([program = "", ...args], folder, isUp, signal = "SIGTERM") {
  const child = spawn(program, args, { cwd: folder, stdio: "ignore" });
  const exit = once(child, "exit");
  const kill = () => child.kill("SIGKILL");
  // A driver that is stopped leaves no server behind; the folder goes after it.
  process.prependListener("exit", kill);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${program} ended at once, with ${child.exitCode}`);
    const up = await isUp().then(
      () => true,
      () => false,
    );
    if (up) break;
    await pause(50);
  }
  return async () => {
    child.kill(signal);
    await Promise.race([exit, pause(20_000).then(kill)]);
    process.off("exit", kill);
    rmSync(folder, { recursive: true, force: true });
  };
}

const POSTGRES = "/usr/lib/postgresql";
const postgresVersion = () => (existsSync(POSTGRES) ? readdirSync(POSTGRES) : []).sort((one, other) => Number(one) - Number(other)).at(-1);

/** @returns {Promise<Database>} */
async function startPostgres() {
  const program = (/** @type {string} */ name) => join(POSTGRES, postgresVersion() ?? "", "bin", name);
  const folder = newFolder();
  const data = join(folder, "data");
  const port = await freePort();
  const as = asUser("postgres", folder);
  const [first = "", ...rest] = [...as, program("initdb"), "-D", data, "-U", "castellan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"];
  await run(first, rest, { cwd: folder });
  const server = [...as, program("postgres"), "-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder];
  const createDatabase = () => run(program("createdb"), ["-h", "127.0.0.1", "-p", String(port), "-U", "castellan", "auth"]);
  // SIGTERM would wait for every client to go.
  const end = await begin(server, folder, createDatabase, "SIGINT");
  return { uri: `postgres://castellan:none@127.0.0.1:${port}/auth`, end };
}

/** @returns {Promise<Database>} */
async function startMariadb() {
  const folder = newFolder();
  const [data, socket] = [join(folder, "data"), join(folder, "socket")];
  const port = await freePort();
  const as = asUser("mysql", folder);
  const [first = "", ...rest] = [
    ...[...as, "mariadb-install-db", "--no-defaults", `--datadir=${data}`],
    ...["--auth-root-authentication-method=normal", "--skip-test-db"],
  ];
  await run(first, rest, { cwd: folder });
  const server = [
    ...[...as, "/usr/sbin/mariadbd", "--no-defaults", `--datadir=${data}`, `--socket=${socket}`, `--port=${port}`],
    ...["--bind-address=127.0.0.1", `--pid-file=${join(folder, "pid")}`, `--log-error=${join(folder, "log")}`],
  ];
  const sql = "CREATE DATABASE auth; CREATE USER castellan@'127.0.0.1' IDENTIFIED BY 'none'; GRANT ALL ON *.* TO castellan@'127.0.0.1'";
  const end = await begin(server, folder, () => run("mariadb", ["--no-defaults", "-uroot", `--socket=${socket}`, "-e", sql]));
  return { uri: `mysql://castellan:none@127.0.0.1:${port}/auth`, end };
}

/** @returns {Promise<Database>} */
async function startRedis() {
  const folder = newFolder();
  const port = await freePort();
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", ""];
  const server = ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--dir", folder, ...durable];
  const isUp = async () => {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
  };
  return { uri: `redis://127.0.0.1:${port}`, end: await begin(server, folder, isUp) };
}

/** @returns {Promise<Database>} */
async function startEtcd() {
  const folder = newFolder();
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const server = [
    ...["etcd", "--name", "bench", "--data-dir", join(folder, "data"), "--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", `bench=${peer}`, "--log-level", "error"],
  ];
  const isUp = async () => {
    const { health } = await (await fetch(`${client}/health`)).json();
    if (health !== "true") throw new Error("not yet");
  };
  return { uri: client.replace("http:", "etcd:"), end: await begin(server, folder, isUp) };
}

/** What can be started here, by name: `isThere` looks for its programs. */
export const servers = new Map([
  ["PostgreSQL", { isThere: () => postgresVersion() !== undefined, start: startPostgres, from: "postgresql" }],
  ["MariaDB", { isThere: () => existsSync("/usr/sbin/mariadbd"), start: startMariadb, from: "mariadb-server" }],
  ["Redis", { isThere: () => existsSync("/usr/bin/redis-server"), start: startRedis, from: "redis-server" }],
  ["etcd", { isThere: () => existsSync("/usr/bin/etcd"), start: startEtcd, from: "etcd-server" }],
]);
