/** A real PostgreSQL server in a folder of its own, from the machine's packages. @module */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { asUser, findProgram, freePort, type TestServer } from "./servers.ts";

const run = promisify(execFile);
const FOLDER = "/usr/lib/postgresql";

/** The newest one installed, or `null`. */
async function programs(): Promise<string | null> {
  const versions = await readdir(FOLDER).catch(() => []);
  const newest = versions.sort((one, other) => Number(one) - Number(other)).at(-1);
  return newest === undefined ? null : findProgram(join(FOLDER, newest, "bin", "initdb")) && join(FOLDER, newest, "bin");
}

export const hasPostgres = (await programs()) !== null;

/** `settings` go into the command line, as `-c name=value`. */
export async function startPostgres(settings: readonly string[] = []): Promise<TestServer> {
  const bin = await programs();
  if (bin === null) throw new Error("there is no PostgreSQL server on this machine: apt-get install postgresql");
  const folder = await mkdtemp(join(tmpdir(), "storer-sql-pg-"));
  await chmod(folder, 0o755);
  const data = join(folder, "data");
  const port = await freePort();
  const as = await asUser("postgres", folder);
  const call = (program: string, ...args: string[]) => {
    const [command = "", ...before] = [...as, join(bin, program)];
    return run(command, [...before, ...args], { cwd: folder });
  };
  await call("initdb", "-D", data, "-U", "castellan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
  // What a test has written need not survive a power cut. It survives a crash of the server, which tests bring about.
  const options = ["fsync=off", "full_page_writes=off", "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`];
  const flags = [...options, ...settings].map((setting) => `-c ${setting}`).join(" ");
  const start = async (): Promise<void> => {
    await call("pg_ctl", "-D", data, "-w", "-t", "60", "-l", join(folder, "log"), "-o", `-p ${port} ${flags}`, "start");
  };
  const stop = async (): Promise<void> => {
    await call("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop");
  };
  await start();
  await call("createdb", "-h", "127.0.0.1", "-p", String(port), "-U", "castellan", "auth");
  let isUp = true;
  return {
    uri: `postgres://castellan:pw@127.0.0.1:${port}/auth`,
    folder,
    start: async () => {
      await start();
      isUp = true;
    },
    stop: async () => {
      await stop();
      isUp = false;
    },
    end: async () => {
      if (isUp) await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
