import { spawn } from "node:child_process";
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, seconds, Unavailable } from "@castellan/core";
import { type JsonFileStorer, jsonFile } from "@castellan/storer-file";
import { describe, expect, it, vi } from "vitest";
import { Keeper } from "../src/keeper.ts";
import { tableOperations } from "../src/tables/operations.ts";
import { aUser, newFile, openStorer } from "./places.ts";

const CHILD = fileURLToPath(new URL("children/register.mjs", import.meta.url));

describe("the file", () => {
  it("is made with the first user, readable by its owner only, and holds everything at the next start", async () => {
    const file = await newFile();
    const first = jsonFile(file);
    await first.ready();
    await expect(stat(file)).rejects.toThrow(/ENOENT/);
    // Also what a careless reviver takes for a moment.
    const profile = { $date: "2020-01-01", town: "Zürich", __proto__: "no" };
    await first.createUser(aUser("ann", { profile }));
    await first.confirmUser("pid-ann", "nobody", new Date(1));
    await first.enableTotp("pid-ann", 0, { secret: "sealed", step: 5, enabledAt: new Date(7) }, ["code"]);
    const before = await first.load("pid-ann");
    await first.close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const second = await openStorer(file);
    expect(await second.load("pid-ann")).toEqual(before);
    expect(await second.load("pid-ann")).toMatchObject({ profile: { $date: "2020-01-01" }, totpEnabledAt: new Date(7) });
    expect(await second.createUser(aUser("ann"))).toBe(false);
  });

  it("is whole JSON at any time, a row a line, and leaves no other file beside it but the lock", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    await Promise.all(Array.from({ length: 30 }, (_, index) => storer.createUser(aUser(`u${index}`))));
    const text = await readFile(file, "utf8");
    expect(JSON.parse(text)).toMatchObject({ castellan: 1 });
    expect(text.split("\n").filter((line) => line.includes('"login":"u7"'))).toHaveLength(1);
    expect((await readdir(dirname(file))).sort()).toEqual(["app.json", "app.json.lock"]);
    await storer.close();
    expect(await readdir(dirname(file))).toEqual(["app.json"]);
  });

  it("has what was acknowledged when the process is killed in the middle of its work, and each of it once", async () => {
    const file = await newFile();
    const child = spawn(process.execPath, [CHILD, file], { stdio: ["ignore", "pipe", "inherit"] });
    const acknowledged: string[] = [];
    const ended = new Promise((resolve) => child.once("close", resolve));
    for await (const chunk of child.stdout) {
      acknowledged.push(...String(chunk).split("\n").filter(Boolean));
      if (acknowledged.length >= 40) child.kill("SIGKILL");
    }
    await ended;
    const { tables } = JSON.parse(await readFile(file, "utf8")) as { tables: { users: [string, unknown][] } };
    const pids = tables.users.map(([pid]) => pid);
    expect(new Set(pids).size).toBe(pids.length);
    // The last line may have been cut short.
    for (const pid of acknowledged.slice(0, 40)) expect(pids).toContain(pid);
    // The dead one is noticed, and the file taken over.
    const storer = await openStorer(file);
    expect(await storer.load(acknowledged[0] ?? "")).not.toBeNull();
  }, 60_000);

  it("belongs to one process at a time: the second is told", async () => {
    const file = await newFile();
    const first = await openStorer(file);
    await first.createUser(aUser("ann"));
    const second = jsonFile({ file, lockTimeout: seconds(0) });
    await expect(second.ready()).rejects.toThrow(/in use by another process/);
    await first.close();
    await second.ready();
    expect(await second.load("pid-ann")).not.toBeNull();
    await second.close();
  });

  it("that is none of ours, of a newer version or cut in the middle is refused and left as it is", async () => {
    const file = await newFile();
    for (const [text, why] of [
      ['{"name": "some-package"}', /no document of Castellan/],
      ["[]", /no document of Castellan/],
      ["null", /no document of Castellan/],
      ['{"castellan": 1, "tables": {"users": [["pid"]]}}', /no document of Castellan/],
      ['{"castellan": 1, "tables": {"users": [["pid", null]]}}', /no document of Castellan/],
      ['{"castellan": 2, "tables": {}}', /version 2/],
      ['{"castellan": 1, "tables": {"us', /no whole JSON document/],
      ["", /no whole JSON document/],
    ] as const) {
      await writeFile(file, text);
      const storer = jsonFile(file);
      await expect(storer.ready()).rejects.toThrow(ConfigError);
      await expect(storer.ready()).rejects.toThrow(why);
      expect(await readFile(file, "utf8")).toBe(text);
      // Mended, it can be opened without a new storer.
      await writeFile(file, '{"castellan": 1, "tables": {}}');
      await storer.ready();
      await storer.close();
    }
  });

  it("is readable by its owner only, and no link is followed, whatever lies where it is written", async () => {
    const file = await newFile();
    const elsewhere = join(dirname(file), "elsewhere");
    await writeFile(elsewhere, "precious");
    const storer = await openStorer(file);
    await symlink(elsewhere, `${file}.new`);
    await storer.createUser(aUser("ann"));
    expect(await readFile(elsewhere, "utf8")).toBe("precious");
    await writeFile(`${file}.new`, "left by a crash");
    await chmod(`${file}.new`, 0o666);
    await storer.createUser(aUser("bob"));
    const written = await lstat(file);
    expect([written.isFile(), written.mode & 0o777]).toEqual([true, 0o600]);
  });

  it.each([true, false])(
    "that is named by a link lies where the link leads, and is one file by all its names (there already: %s)",
    async (isThere) => {
      const link = await newFile();
      const real = join(dirname(link), "volume", "real.json");
      await mkdir(dirname(real));
      if (isThere) await writeFile(real, '{"castellan": 1, "tables": {}}');
      await symlink(join("volume", "real.json"), link);
      const first = await openStorer(link);
      await first.createUser(aUser("ann"));
      expect(await readFile(real, "utf8")).toContain("pid-ann");
      expect((await lstat(link)).isSymbolicLink()).toBe(true);
      const second = jsonFile({ file: real, lockTimeout: seconds(0) });
      await expect(second.ready()).rejects.toThrow(/in use by another process/);
    },
  );

  it("whose links lead in a circle is refused", async () => {
    const file = await newFile();
    await symlink(file, `${file}.other`);
    await symlink(`${file}.other`, file);
    await expect(jsonFile(file).ready()).rejects.toThrow(Unavailable);
  });

  it("that another process has taken is given up: nothing is answered, and closing goes well", async () => {
    const file = await newFile();
    const storer = jsonFile(file);
    await storer.ready();
    await storer.createUser(aUser("ann"));
    // As a process finds it that was suspended for so long that it was taken for dead.
    await rename(`${file}.lock`, `${file}.gone`);
    const given = await vi.waitUntil(
      async () => (await storer.load("pid-ann").catch((error: unknown) => error)) instanceof Unavailable,
      20_000,
    );
    expect(given).toBe(true);
    await storer.close();
  }, 30_000);

  it("in a folder that is not there, and a name that is none, are told with the mend", async () => {
    const file = join(dirname(await newFile()), "nowhere", "app.json");
    await expect(jsonFile(file).ready()).rejects.toThrow(/the folder of .* is not there: make it/);
    for (const wrong of ["", undefined, 7]) expect(() => jsonFile(wrong as unknown as string)).toThrow(ConfigError);
    expect(() => jsonFile({ file: "a", lockTimeout: -1 as never })).toThrow(/lockTimeout/);
  });

  it("is asked for nothing before it is open, and for nothing once it is closed", async () => {
    const file = await newFile();
    const storer = jsonFile(file);
    await expect(storer.load("pid")).rejects.toThrow(/call ready/);
    await storer.ready();
    await storer.close();
    await expect(storer.load("pid")).rejects.toThrow(Unavailable);
    await storer.close();
    // Opened again, it holds what the file holds by then.
    await writeFile(file, '{"castellan": 1, "tables": {}}');
    await storer.ready();
    expect(await storer.load("pid")).toBeNull();
    await storer.close();
  });

  it("whose last change cannot be written is let go of all the same", async () => {
    const file = await newFile();
    const storer = jsonFile(file);
    await storer.ready();
    await storer.createUser(aUser("ann"));
    await mkdir(`${file}.new`);
    const change = storer.createUser(aUser("bob"));
    const given = await Promise.allSettled([change, storer.close()]);
    expect(given.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await rm(`${file}.new`, { recursive: true });
    const second = jsonFile({ file, lockTimeout: seconds(0) });
    await second.ready();
    expect([await second.load("pid-ann"), await second.load("pid-bob")]).toMatchObject([{ login: "ann" }, null]);
    await second.close();
  });
});

interface Disk {
  fails: boolean;
  readonly writes: string[];
  hold: Promise<void> | null;
}

/** A storer whose disk does as it is told. */
function onDisk(): { storer: ReturnType<typeof tableOperations>; keeper: Keeper; disk: Disk } {
  const disk: Disk = { fails: false, writes: [], hold: null };
  const keeper = new Keeper({
    name: "app.json",
    check() {},
    async write(text) {
      await disk.hold;
      if (disk.fails) throw new Error("no space left on the device");
      disk.writes.push(text);
    },
  });
  keeper.open(null);
  return { storer: tableOperations(keeper.tables, keeper.operation), keeper, disk };
}

describe("a disk", () => {
  it("that is full refuses the change and all that have seen it, and everything goes on from what is written", async () => {
    const { storer, disk } = onDisk();
    await storer.createUser(aUser("ann"));
    disk.fails = true;
    const answers = await Promise.allSettled([
      storer.createUser(aUser("bob")),
      storer.load("pid-bob"),
      storer.setPasswordHash("pid-ann", "new"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    disk.fails = false;
    expect(await storer.load("pid-bob")).toBeNull();
    expect(await storer.load("pid-ann")).toMatchObject({ passwordHash: "hash", epoch: 0 });
    expect(await storer.createUser(aUser("bob"))).toBe(true);
    expect(disk.writes.at(-1)).toContain("pid-bob");
  });

  it("that is slow writes once for all who wait", async () => {
    const { storer, disk } = onDisk();
    let release = (): void => {};
    disk.hold = new Promise((resolve) => {
      release = resolve;
    });
    const answers = Promise.all(Array.from({ length: 50 }, (_, index) => storer.createUser(aUser(`u${index}`))));
    release();
    expect(await answers).toEqual(Array(50).fill(true));
    expect(disk.writes.length).toBeLessThanOrEqual(3);
  });

  it.each([
    ["", async () => {}],
    [" and is closed", (keeper: Keeper) => keeper.close()],
  ])("of a process that loses the file%s is written by nothing that waits, and nobody is answered", async (_, then) => {
    const { storer, keeper, disk } = onDisk();
    let release = (): void => {};
    disk.hold = new Promise((resolve) => {
      release = resolve;
    });
    const [underWay, waiting] = [storer.createUser(aUser("ann")), storer.createUser(aUser("bob"))];
    const answers = Promise.allSettled([underWay, waiting]);
    keeper.abandon();
    const closed = then(keeper);
    release();
    expect((await answers).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await closed;
    // What was under way cannot be called back.
    expect(disk.writes.filter((text) => text.includes("pid-bob"))).toEqual([]);
    await expect(storer.load("pid-ann")).rejects.toThrow(/not ours any more/);
  });

  it("is not written by a question, nor by a change that changes nothing", async () => {
    const { storer, disk } = onDisk();
    await storer.createUser(aUser("ann"));
    const before = disk.writes.length;
    await storer.load("pid-ann");
    await storer.findByLogin("nobody");
    await storer.createUser(aUser("ann"));
    await storer.endSignIn("none");
    expect(disk.writes.length).toBe(before);
  });
});

it("is a storer that may be handed on as a type", () => {
  const storer: JsonFileStorer = jsonFile("never-opened.json");
  expect(storer.userFields).toContain("totpEnabledAt");
});
