import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { ConfigError, Unavailable } from "@castellan/core";
import { describe, it } from "vitest";
import { bcrypt, HashLane, type HashJob as Job, passwordHasher } from "../dist/passwords/index.js";
import { startThread } from "../dist/passwords/thread.js";
import { scriptedThreads } from "./password-threads.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const job = (password: string): Job => ({ kind: "hash", password: bytes(password), making: { scheme: "bcrypt", cost: 10 } });
const textOf = ({ password }: Job): string => new TextDecoder().decode(password);

async function refusal(run: Promise<unknown>): Promise<Unavailable> {
  const error = await run.then(
    () => assert.fail("was not refused"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Unavailable);
  return error;
}

describe("a lane of two threads", () => {
  it("starts a thread only when one is needed, and a third never", () => {
    const { threads, start } = scriptedThreads();
    const lane = new HashLane({ threads: 2, start });
    assert.equal(threads.length, 0);
    for (const name of ["a", "b", "c", "d"]) void lane.run(job(name));
    assert.deepEqual(
      threads.map(({ jobs }) => jobs.map(textOf)),
      [["a"], ["b"]],
    );
  });

  it("takes the jobs in the order in which they came, whichever thread becomes free", async () => {
    const { threads, start } = scriptedThreads();
    const lane = new HashLane({ threads: 2, start });
    const answers = ["a", "b", "c", "d"].map((name) => lane.run(job(name)));
    threads[1]?.answer({ value: "B" });
    threads[1]?.answer({ value: "C" });
    threads[0]?.answer({ value: "A" });
    threads[1]?.answer({ value: "D" });
    assert.deepEqual(
      threads.map(({ jobs }) => jobs.map(textOf)),
      [["a"], ["b", "c", "d"]],
    );
    assert.deepEqual(await Promise.all(answers), [{ value: "A" }, { value: "B" }, { value: "C" }, { value: "D" }]);
  });

  it("uses a free thread again before it starts another", async () => {
    const { threads, start } = scriptedThreads();
    const lane = new HashLane({ threads: 2, start });
    const first = lane.run(job("a"));
    threads[0]?.answer({ value: "A" });
    await first;
    void lane.run(job("b"));
    assert.equal(threads.length, 1);
  });

  it("lets a thread keep the process alive only while it works", () => {
    const { threads, start } = scriptedThreads();
    const lane = new HashLane({ threads: 2, start });
    void lane.run(job("a"));
    assert.equal(threads[0]?.held, true);
    threads[0]?.answer({ value: "A" });
    assert.equal(threads[0]?.held, false);
  });
});

describe("a lane that is full", () => {
  it("refuses at once, wipes the refused password, and says when to come back by what jobs took", async () => {
    let time = 0;
    const { threads, start } = scriptedThreads();
    const lane = new HashLane({ threads: 1, waiting: 3, start, elapsed: () => time });
    // Enough jobs of four seconds to make the mean almost that.
    for (let round = 0; round < 60; round += 1) {
      const done = lane.run(job("a"));
      time += 4000;
      threads[0]?.answer({ value: "A" });
      await done;
    }
    for (const name of ["running", "1", "2", "3"]) void lane.run(job(name));
    const late = job("late");
    const error = await refusal(lane.run(late));
    assert.equal(error.reason, "busy");
    assert.equal(error.retryAfter, 16);
    assert.deepEqual([...late.password], [0, 0, 0, 0]);
  });

  it("holds a hundred by default", async () => {
    const { start } = scriptedThreads();
    const lane = new HashLane({ threads: 1, start });
    for (let count = 0; count < 101; count += 1) void lane.run(job("x"));
    assert.equal((await refusal(lane.run(job("one too many")))).reason, "busy");
  });

  it("needs no room at all for what a free thread takes", () => {
    const { threads, start } = scriptedThreads();
    void new HashLane({ threads: 1, waiting: 0, start }).run(job("a"));
    assert.equal(threads[0]?.jobs.length, 1);
  });
});

describe("a thread that dies", () => {
  it("takes its own job with it, and the rest goes on in a new one", async () => {
    const { threads, start } = scriptedThreads();
    const lane = new HashLane({ threads: 1, start });
    const lost = lane.run(job("lost"));
    const next = lane.run(job("next"));
    threads[0]?.die();
    threads[0]?.die();
    assert.equal((await refusal(lost)).reason, "unavailable");
    threads[1]?.answer({ value: "NEXT" });
    assert.deepEqual(await next, { value: "NEXT" });
    assert.equal(threads.length, 2);
  });

  it("is replaced also when it was idle", async () => {
    const { threads, start } = scriptedThreads();
    const lane = new HashLane({ threads: 1, start });
    const first = lane.run(job("a"));
    threads[0]?.answer({ value: "A" });
    await first;
    threads[0]?.die();
    void lane.run(job("b"));
    assert.deepEqual(threads[1]?.jobs.map(textOf), ["b"]);
  });

  it("cannot even be started: the job is refused and its password wiped", async () => {
    const lane = new HashLane({
      threads: 1,
      start: () => {
        throw new Error("no more threads");
      },
    });
    const refused = job("abc");
    assert.equal((await refusal(lane.run(refused))).reason, "unavailable");
    assert.deepEqual([...refused.password], [0, 0, 0]);
  });

  it("really ends: a terminated worker's job is refused, and the next password is hashed", async () => {
    const started: ReturnType<typeof startThread>[] = [];
    const lane = new HashLane({
      threads: 1,
      start: (events) => {
        const thread = startThread(events);
        started.push(thread);
        return thread;
      },
    });
    const hasher = passwordHasher({ use: bcrypt({ cost: 10 }), lane });
    const lost = refusal(hasher.hash("lost"));
    await started[0]?.end();
    assert.equal((await lost).reason, "unavailable");
    assert.match(await hasher.hash("next"), /^\$2b\$10\$/);
    assert.equal(started.length, 2);
    await lane.close();
  });
});

describe("closing a lane", () => {
  it("refuses what runs, what waits and what comes, wipes the waiting passwords and ends the threads", async () => {
    const { threads, start } = scriptedThreads();
    const lane = new HashLane({ threads: 1, start });
    const running = lane.run(job("running"));
    const waitingJob = job("abc");
    const waiting = lane.run(waitingJob);
    const closing = lane.close();
    assert.equal((await refusal(running)).reason, "unavailable");
    assert.equal((await refusal(waiting)).reason, "unavailable");
    await closing;
    assert.equal((await refusal(lane.run(job("after")))).reason, "unavailable");
    assert.deepEqual([...waitingJob.password], [0, 0, 0]);
    assert.equal(threads[0]?.ended, true);
  });

  it("is left to whoever made the lane", async () => {
    const lane = new HashLane({ threads: 1 });
    assert.equal(passwordHasher({ use: bcrypt(), lane }).close, undefined);
    await lane.close();
  });
});

it("a lane says no to bounds that make no sense", () => {
  assert.throws(() => new HashLane({ threads: 0 }), RangeError);
  assert.throws(() => new HashLane({ waiting: -1 }), RangeError);
  assert.throws(() => new HashLane({ waiting: Number.NaN }), RangeError);
});

it("a password that was handed to a thread is not reachable on this side any more", async () => {
  const lane = new HashLane({ threads: 1 });
  const handed = job("a password");
  const answer = lane.run(handed);
  assert.equal(handed.password.byteLength, 0);
  await answer;
  await lane.close();
});

const inAProcessOfItsOwn = (script: string) =>
  spawnSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8", cwd: import.meta.dirname });

const hashing = `
  import { bcryptHasher } from ${JSON.stringify(new URL("../dist/passwords/index.js", import.meta.url).href)};
  const hasher = bcryptHasher({ cost: 10 });
  console.log(await hasher.verify("right", await hasher.hash("right")));`;

describe("in a process of its own", () => {
  it("idle threads let the process end", () => {
    const { status, stdout, stderr } = inAProcessOfItsOwn(hashing);
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "true\n", stderr: "" });
  });

  it.runIf(process.platform === "linux")("the hashing thread steps back behind all others, and only that one", () => {
    const { stdout } = inAProcessOfItsOwn(`${hashing}
      import { readdirSync, readFileSync } from "node:fs";
      import { getPriority } from "node:os";
      const niceness = (id) => Number(readFileSync("/proc/self/task/" + id + "/stat", "utf8").split(") ").at(-1).split(" ")[16]);
      const all = readdirSync("/proc/self/task").map(niceness);
      console.log(all.filter((nice) => nice !== getPriority(0)).join());`);
    assert.equal(stdout, "true\n10\n");
  });
});

it("a package that cannot be loaded is named in a ConfigError that says what to install", async () => {
  const hasher = passwordHasher({
    use: bcrypt(),
    lane: new HashLane({
      threads: 1,
      start: (events) => ({
        post: () => events.answered({ missing: "@node-rs/argon2" }),
        hold() {},
        release() {},
        async end() {},
      }),
    }),
  });
  await assert.rejects(
    hasher.hash("a password"),
    (error) => error instanceof ConfigError && /npm install @node-rs\/argon2/.test(error.message),
  );
});
