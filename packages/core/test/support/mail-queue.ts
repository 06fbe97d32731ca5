import type { Logger, Mail, Mailer } from "@castellan/core";
import {
  type LogLine,
  type ManualClock,
  type MemoryStorer,
  manualClock,
  memoryStorer,
  seededRandom,
  TEST_SECRET,
} from "@castellan/testkit";
import { castellan, expressSessions, type MailOptions } from "castellan";
import { onTestFinished, vi } from "vitest";

export const KEY = "a-key-of-these-tests-0123456789-abcdefghijkl";
export const OTHER_KEY = "another-key-of-these-tests-9876543210-zyxwv";
export const ANN = { name: "Ann", address: "ann@example.com" };
export const MAIL = { to: ANN, subject: "Hello", text: "See https://app.example.com/auth/confirm?token=abc", html: "<p>See</p>" };

export interface Parts {
  readonly storer: MemoryStorer;
  readonly clock: ManualClock;
  readonly log: LogLine[];
  readonly keys: readonly string[];
  readonly mailer: Mailer;
  readonly mail: Partial<MailOptions>;
  readonly seed: string;
}

/** A gate that does nothing but send mails; it is closed when the test is over. */
export function start(changes: Partial<Parts> = {}) {
  const sent: Mail[] = [];
  const parts: Parts = {
    storer: memoryStorer(),
    clock: manualClock(),
    log: [],
    keys: [KEY],
    mailer: {
      async send(mail) {
        sent.push(mail);
      },
    },
    mail: {},
    seed: "queue",
    ...changes,
  };
  const line =
    (level: LogLine["level"]): Logger[LogLine["level"]] =>
    (message, fields = {}) =>
      void parts.log.push({ level, message, fields });
  const gate = castellan({
    ...parts,
    rootUrl: "https://app.example.com",
    sessions: expressSessions({ secret: TEST_SECRET }),
    random: seededRandom(parts.seed),
    logger: { info: line("info"), warn: line("warn"), error: line("error") },
    mail: { from: { name: "The gate", address: "no-reply@app.example.com" }, every: null, ...parts.mail },
    sweepEvery: null,
    modules: {},
  });
  onTestFinished(() => gate.close());
  return { ...parts, gate, sent, queued: () => parts.storer.dump().mails };
}

/** A mailer that takes nothing until it is told to, and everything that was handed to it. */
export function flakyMailer(refusal: unknown = new Error("421 try again later")) {
  const state = { isUp: false, handed: [] as Mail[] };
  const mailer: Mailer = {
    async send(mail) {
      state.handed.push(mail);
      if (!state.isUp) throw refusal;
    },
  };
  return { state, mailer };
}

/** A promise that the test keeps when it likes. */
export function promised<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((keep) => {
    resolve = keep;
  });
  return { promise, resolve: (value: T) => resolve(value) };
}

export const silent: Mailer = { send: () => new Promise(() => {}) };

/** Timers that the test moves; the clock of the gate is another thing. */
export function holdTimers(...toFake: ("setTimeout" | "clearTimeout" | "setInterval" | "clearInterval")[]): void {
  vi.useFakeTimers({ toFake });
  onTestFinished(() => void vi.useRealTimers());
}
