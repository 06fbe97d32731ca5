/** One worker thread, as the lane sees it. @module */
import { Worker } from "node:worker_threads";
import type { Answer, Job } from "./job.ts";

export interface Thread {
  /** Hands a job over; its password is gone on this side afterwards. */
  post(job: Job): void;
  /** While held, the thread keeps the process alive. It starts released. */
  hold(): void;
  release(): void;
  end(): Promise<void>;
}

export interface ThreadEvents {
  answered(answer: Answer): void;
  /** The thread is gone. May be told more than once. */
  died(cause: unknown): void;
}

export type StartThread = (events: ThreadEvents) => Thread;

export const startThread: StartThread = ({ answered, died }) => {
  // No `execArgv`: what the command line preloads (tracing, a loader) has no business in a thread that sees passwords.
  const worker = new Worker(new URL("./worker.js", import.meta.url), { name: "castellan-passwords", execArgv: [] });
  worker.on("message", answered);
  worker.on("error", died);
  worker.on("exit", (code) => died(new Error(`a password thread exited with code ${code}`)));
  worker.unref();
  return {
    post: (job) => worker.postMessage(job, [job.password.buffer]),
    hold: () => worker.ref(),
    release: () => worker.unref(),
    async end() {
      await worker.terminate();
    },
  };
};
