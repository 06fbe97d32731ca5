/** Threads that hash nothing: a test sees their jobs and says when they answer or die. @module */
import type { HashAnswer as Answer, HashJob as Job, StartThread, ThreadEvents } from "../dist/passwords/index.js";

export class ScriptedThread {
  readonly jobs: Job[] = [];
  held = false;
  ended = false;
  readonly #events: ThreadEvents;

  constructor(events: ThreadEvents) {
    this.#events = events;
  }

  answer(answer: Answer): void {
    this.#events.answered(answer);
  }

  die(): void {
    this.#events.died(new Error("killed"));
  }

  post(job: Job): void {
    this.jobs.push(job);
  }

  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
  }

  async end(): Promise<void> {
    this.ended = true;
  }
}

/** `threads` fills up as they are started. */
export function scriptedThreads(): { readonly threads: ScriptedThread[]; readonly start: StartThread } {
  const threads: ScriptedThread[] = [];
  const start: StartThread = (events) => {
    const thread = new ScriptedThread(events);
    threads.push(thread);
    return thread;
  };
  return { threads, start };
}

/** Answers every job at once with what `reply` says, and keeps it. */
export function answeringThreads(reply: (job: Job) => Answer): { readonly jobs: Job[]; readonly start: StartThread } {
  const jobs: Job[] = [];
  const start: StartThread = (events) => {
    const thread = new ScriptedThread(events);
    thread.post = (job) => {
      jobs.push(job);
      queueMicrotask(() => thread.answer(reply(job)));
    };
    return thread;
  };
  return { jobs, start };
}
