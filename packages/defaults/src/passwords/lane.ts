/**
 * The one lane that all password hashing goes through: a few threads of its own, a queue of bounded length, and a plain "busy" when it is full. In
 * libuv's pool a burst of sign-ins would hold up every file and every name look-up of the process instead. @module
 */
import { availableParallelism } from "node:os";
import { Unavailable } from "@castellan/core";
import type { Answer, Job } from "./job.ts";
import { type StartThread, startThread, type Thread } from "./thread.ts";

export interface LaneOptions {
  /** How many threads hash at once. More than there are cores makes everything slower. @default os.availableParallelism() */
  readonly threads?: number;
  /** How many jobs may wait for a thread; the next one is refused at once. @default 100 */
  readonly waiting?: number;
  /** Milliseconds since some moment, to measure jobs by. @default performance.now */
  readonly elapsed?: () => number;
  /** Starts a thread. @default a worker thread of Node */
  readonly start?: StartThread;
}

const DEFAULTS = { waiting: 100, elapsed: () => performance.now(), start: startThread } as const;
/** What a job is taken to last before one has been measured, in milliseconds: bcrypt of cost 12. */
const FIRST_GUESS = 300;
/** How much the newest measurement moves the mean. */
const WEIGHT = 1 / 8;

interface Task {
  readonly job: Job;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** A task that a thread works on. It has no job any more, so that the password is not reachable from here. */
interface Running extends Omit<Task, "job"> {
  readonly since: number;
}

const wholeNumber = (name: string, value: number, least: number): number => {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name} is a whole number of at least ${least}, not ${value}`);
};

/** Runs password jobs first in, first out. Threads start when they are first needed and never keep the process alive while idle. */
export class HashLane {
  readonly #threads: number;
  readonly #waiting: number;
  readonly #elapsed: () => number;
  readonly #start: StartThread;
  readonly #queue: Task[] = [];
  readonly #idle = new Set<Thread>();
  readonly #running = new Map<Thread, Running>();
  #meanTime = FIRST_GUESS;
  #closed = false;

  constructor(options: LaneOptions = {}) {
    const { threads = availableParallelism(), waiting, elapsed, start } = { ...DEFAULTS, ...options };
    this.#threads = wholeNumber("threads", threads, 1);
    this.#waiting = wholeNumber("waiting", waiting, 0);
    this.#elapsed = elapsed;
    this.#start = start;
  }

  /** Rejects with {@link Unavailable}: reason `"busy"` at once when too many wait, `"unavailable"` when the thread dies or the lane is closed. */
  run(job: Job): Promise<Answer> {
    if (this.#closed) return refuse(job, new Unavailable("the password lane is closed"));
    if (!this.#hasRoom()) return refuse(job, this.#tooBusy());
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#dispatch();
    });
  }

  /** Ends the threads. Whatever waits or runs is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#idle, ...this.#running.keys()];
    const gone = new Unavailable("the password lane was closed before the password was hashed");
    for (const { reject } of this.#running.values()) reject(gone);
    for (const { job, reject } of this.#queue.splice(0)) {
      job.password.fill(0);
      reject(gone);
    }
    this.#idle.clear();
    this.#running.clear();
    await Promise.all(threads.map((thread) => thread.end()));
  }

  #hasRoom(): boolean {
    return this.#idle.size > 0 || this.#running.size < this.#threads || this.#queue.length < this.#waiting;
  }

  #tooBusy(): Unavailable {
    const wait = (this.#meanTime * (this.#queue.length + 1)) / this.#threads;
    return new Unavailable("too many passwords wait to be hashed", { reason: "busy", retryAfter: Math.max(1, Math.ceil(wait / 1000)) });
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && (this.#idle.size > 0 || this.#running.size < this.#threads)) {
      const task = this.#queue.shift();
      if (task) this.#assign(task);
    }
  }

  #assign({ job, resolve, reject }: Task): void {
    try {
      const thread = this.#takeThread();
      this.#running.set(thread, { resolve, reject, since: this.#elapsed() });
      thread.hold();
      thread.post(job);
    } catch (cause) {
      job.password.fill(0);
      reject(new Unavailable("no thread could be started to hash a password", { cause }));
    }
  }

  #takeThread(): Thread {
    const [idle] = this.#idle;
    if (idle) {
      this.#idle.delete(idle);
      return idle;
    }
    const thread: Thread = this.#start({
      answered: (answer) => this.#finish(thread, answer),
      died: (cause) => this.#bury(thread, cause),
    });
    return thread;
  }

  #finish(thread: Thread, answer: Answer): void {
    const task = this.#running.get(thread);
    if (!task) return;
    this.#running.delete(thread);
    this.#idle.add(thread);
    thread.release();
    this.#meanTime += (this.#elapsed() - task.since - this.#meanTime) * WEIGHT;
    task.resolve(answer);
    this.#dispatch();
  }

  #bury(thread: Thread, cause: unknown): void {
    const task = this.#running.get(thread);
    this.#running.delete(thread);
    this.#idle.delete(thread);
    task?.reject(new Unavailable("the thread that hashed a password died", { cause }));
    this.#dispatch();
  }
}

function refuse(job: Job, error: Unavailable): Promise<never> {
  job.password.fill(0);
  return Promise.reject(error);
}
