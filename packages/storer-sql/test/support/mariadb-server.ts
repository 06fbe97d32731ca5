/** A real MariaDB server in a folder of its own, from the machine's packages. @module */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { asUser, findProgram, freePort, type TestServer } from "./servers.ts";

const run = promisify(execFile);
const SERVER = findProgram("/usr/sbin/mariadbd");
const INSTALLER = findProgram("/usr/bin/mariadb-install-db");
const CLIENT = findProgram("/usr/bin/mariadb");

export const hasMariadb = SERVER !== null && INSTALLER !== null && CLIENT !== null;

/** `settings` go into the command line, as `--name=value`. */
export async function startMariadb(settings: readonly string[] = []): Promise<TestServer> {
  if (!SERVER || !INSTALLER || !CLIENT) throw new Error("there is no MariaDB server on this machine: apt-get install mariadb-server");
  const folder = await mkdtemp(join(tmpdir(), "storer-sql-maria-"));
  await chmod(folder, 0o755);
  const data = join(folder, "data");
  const socket = join(folder, "socket");
  const port = await freePort();
  const as = await asUser("mysql", folder);
  const command = (program: string, ...args: string[]): [string, string[]] => {
    const [first = "", ...rest] = [...as, program, "--no-defaults", ...args];
    return [first, rest];
  };
  await run(...command(INSTALLER, `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db"), { cwd: folder });
  const client = (sql: string) => run(CLIENT, ["--no-defaults", "-uroot", `--socket=${socket}`, "-e", sql]);

  let running: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    // What a test has written need not survive a power cut.
    const fast = ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0"];
    const where = [
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      `--pid-file=${join(folder, "pid")}`,
    ];
    const child = spawn(...command(SERVER, ...where, ...fast, `--log-error=${join(folder, "log")}`, ...settings), {
      cwd: folder,
      stdio: "ignore",
    });
    running = child;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`MariaDB ended: ${await readFile(join(folder, "log"), "utf8")}`);
      const isUp = await client("SELECT 1").then(
        () => true,
        () => false,
      );
      if (isUp) return;
      await delay(50);
    }
  };
  const stop = async (): Promise<void> => {
    const child = running;
    running = null;
    if (!child || child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };

  await start();
  await client(
    "CREATE DATABASE auth; CREATE USER castellan@'127.0.0.1' IDENTIFIED BY 'p%w/ü'; GRANT ALL ON auth.* TO castellan@'127.0.0.1'",
  );
  return {
    uri: `mysql://castellan:${encodeURIComponent("p%w/ü")}@127.0.0.1:${port}/auth`,
    folder,
    start,
    stop,
    end: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
