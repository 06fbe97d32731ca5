/** The way to the server: one script or one command at a time, each within a bounded time, each failure `Unavailable`. @module */
import { createHash } from "node:crypto";
import { type Duration, Unavailable } from "@castellan/core";
import type { Argument, Send } from "./client.ts";

/** A Lua script, which Redis runs without a break. All its keys are in one slot. */
export interface Script<Reply = unknown> {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
  /** Carries the type; never set. */
  readonly reply?: Reply;
}

export const script = <Reply>(name: string, source: string): Script<Reply> => ({
  name,
  source,
  sha: createHash("sha1").update(source).digest("hex"),
});

export interface ServerSettings {
  readonly timeout: Duration;
  readonly onQuery: (name: string) => void;
}

/** The server is there, but not yet or just now able to. */
const BUSY = /^(LOADING|BUSY|TRYAGAIN|CLUSTERDOWN|MASTERDOWN) /;

/** A caller in plain JavaScript handed in something that is no text and no number. The caller's mistake, not the world's. */
class WrongParameter extends TypeError {}

/** What is no text would be stored as its text, `[object Object]` or `undefined`, and text with half a character in it would equal other such text. */
function checkParams(params: readonly unknown[]): void {
  for (const param of params) {
    if (typeof param === "number" && Number.isFinite(param)) continue;
    if (typeof param !== "string") throw new WrongParameter(`a value to store must be a string or a number, not ${typeof param}`);
    if (!param.isWellFormed()) throw new WrongParameter("a text to store must be well-formed Unicode");
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Clients put the command with all its values on their errors; a log must not get those. */
function causeOf(error: unknown): Error {
  const cause = new Error(messageOf(error));
  if (error instanceof Error) {
    cause.name = error.name;
    if (error.stack !== undefined) cause.stack = error.stack;
    if ("code" in error) Object.assign(cause, { code: error.code });
  }
  return cause;
}

export function failure(error: unknown): Unavailable {
  const message = messageOf(error);
  return new Unavailable(`Redis failed: ${message}`, {
    cause: causeOf(error),
    ...(BUSY.test(message) && { reason: "busy", retryAfter: 1 }),
  });
}

export class Server {
  readonly #send: Send;
  readonly #settings: ServerSettings;

  constructor(send: Send, settings: ServerSettings) {
    this.#send = send;
    this.#settings = settings;
  }

  /** Runs a script that decides. Its source is sent only where the server does not know it: after its start, after a failover. */
  async run<Reply>(script: Script<Reply>, keys: readonly [string, ...string[]], ...params: readonly Argument[]): Promise<Reply> {
    const args = [keys.length, ...keys, ...params];
    const work = async () => {
      try {
        return await this.#bounded("EVALSHA", keys[0], [script.sha, ...args]);
      } catch (error) {
        if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
        return await this.#bounded("EVAL", keys[0], [script.source, ...args]);
      }
    };
    // The answer is of the type that the script declares: the one place, with `command`, where that is taken on trust.
    return (await this.#guarded(script.name, [...keys, ...params], work)) as Reply;
  }

  /** Sends one plain command. `key` is its first argument, unless it has none. */
  async command<Reply>(command: string, key: string | null, ...params: readonly Argument[]): Promise<Reply> {
    const args = key === null ? params : [key, ...params];
    return (await this.#guarded(command, args, () => this.#bounded(command, key, args))) as Reply;
  }

  /**
   * Removes what is worthless already. A failure changes nothing that anybody could see, and must not turn what has been decided into one: the rest expires by itself.
   */
  async tidy(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.command("DEL", key).catch(() => {})));
  }

  async #guarded(name: string, params: readonly unknown[], work: () => Promise<unknown>): Promise<unknown> {
    checkParams(params);
    this.#settings.onQuery(name);
    try {
      return await work();
    } catch (error) {
      throw failure(error);
    }
  }

  async #bounded(command: string, key: string | null, args: readonly Argument[]): Promise<unknown> {
    const { timeout } = this.#settings;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${timeout} ms`)), timeout);
    });
    try {
      return await Promise.race([this.#send(command, key, args, timeout), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
