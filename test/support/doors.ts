/** The application that the tests of the doors are about, over HTTP, on a storer of their choice. @module */
import { auth } from "@castellan/auth";
import type { Module, SessionAdapter, SignIn } from "@castellan/core";
import { logout } from "@castellan/logout";
import { register } from "@castellan/register";
import {
  type Answer,
  type BrowserClient,
  type BrowserOptions,
  browserClient,
  type CountingHasher,
  countingHasher,
  type LogLine,
  listen,
  type ManualClock,
  manualClock,
  seededRandom,
  TEST_SECRET,
} from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";
import { type DoorStorer, type OpenedStorer, openStorer, type StorerKind } from "./storers.ts";

export const ANN = "ann@example.com";
export const BOB = "bob@example.com";
export const PASSWORD = "correct horse battery staple";
export const OTHER_PASSWORD = "another horse battery staple";
export const ROOT = "https://app.example.test";
export const SESSION_COOKIE = "__Host-castellan-sid";
const KEY = "a-key-of-the-tests-9876543210-zyxwvutsrqponm";

/** A module of the test, beside those of the suite. Its service is of no interest here. */
export type TestModule = Module<DoorStorer>;

type GateChanges = Partial<Omit<CastellanOptions<DoorStorer, never>, "modules" | "storer">>;

const gateOf = (storer: DoorStorer, options: GateChanges, extra: TestModule) =>
  castellan({
    rootUrl: ROOT,
    keys: [KEY],
    storer,
    sessions: expressSessions({ secret: TEST_SECRET }),
    sweepEvery: null,
    ...options,
    modules: { auth: auth({ changePassword: false }), logout: logout(), register: register(), extra },
  });

export type DoorGate = ReturnType<typeof gateOf>;

interface Parts {
  readonly hasher: CountingHasher;
  readonly clock: ManualClock;
}

export interface DoorChanges {
  readonly kind?: StorerKind;
  readonly opened?: OpenedStorer;
  readonly gate?: GateChanges;
  readonly sessions?: SessionAdapter;
  readonly extra?: TestModule;
  /** Goes before `gate.clientState()`. */
  readonly first?: (app: Express) => void;
  /** More routes. */
  readonly add?: (app: Express, gate: DoorGate) => void;
}

export interface DoorApp extends OpenedStorer, Parts {
  readonly gate: DoorGate;
  readonly app: Express;
  readonly url: string;
  readonly log: readonly LogLine[];
  browser(options?: BrowserOptions): BrowserClient;
}

const nothing: TestModule = { name: "extra", requires: [], reasons: [], texts: {}, start: () => ({}) };

/** Starts the application; it is closed when the test is over. */
export async function startDoors(changes: DoorChanges = {}): Promise<DoorApp> {
  const opened = changes.opened ?? (await openStorer(changes.kind ?? "memory"));
  const log: LogLine[] = [];
  const line =
    (level: LogLine["level"]) =>
    (message: string, fields: LogLine["fields"] = {}): void => {
      log.push({ level, message, fields });
    };
  const parts: Parts = { hasher: countingHasher(), clock: manualClock() };
  const options = {
    ...parts,
    random: seededRandom("doors"),
    logger: { info: line("info"), warn: line("warn"), error: line("error") },
    ...(changes.sessions && { sessions: changes.sessions }),
    ...changes.gate,
  };
  const gate = gateOf(opened.storer, options, changes.extra ?? nothing);
  const app = express();
  changes.first?.(app);
  app.use(gate.clientState());
  app.use("/auth", gate.router);
  app.get("/", (_req, res) => void res.send("start"));
  app.get("/me", async (req, res) => void res.send((await gate.currentUser(req))?.login ?? "nobody"));
  app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
  app.post("/account", gate.require(), (req, res) => void res.send(`changed by ${gate.user(req).login}`));
  app.get("/full", gate.require({ level: "full" }), (req, res) => void res.send(`full ${gate.user(req).login}`));
  changes.add?.(app, gate);
  const server = await listen(app);
  onTestFinished(async () => {
    await server.close();
    await gate.close();
  });
  return {
    ...opened,
    ...parts,
    gate,
    app,
    log,
    url: server.url,
    browser: (habits = {}) => browserClient(server.url, { origin: ROOT, clock: parts.clock, ...habits }),
  };
}

/** Makes an account without signing anybody in. Answers its pid. */
export async function haveUser({ gate }: DoorApp, login = ANN, password = PASSWORD): Promise<string> {
  await gate.ready();
  const outcome = await gate.register.register({ login, password });
  if ("refused" in outcome) throw new Error(`the user could not be made: ${JSON.stringify(outcome.refused)}`);
  return outcome.ok.pid;
}

/** Signs in as a script of the page does. */
export const logIn = (browser: BrowserClient, email = ANN, password = PASSWORD): Promise<Answer> =>
  browser.json("POST", "/auth/login", { email, password });

/** Signs in a browser that must get in. */
export async function signedIn(app: DoorApp, email = ANN, password = PASSWORD): Promise<BrowserClient> {
  const browser = app.browser();
  const answer = await logIn(browser, email, password);
  if (answer.status !== 200) throw new Error(`nobody could sign in: ${answer.status} ${answer.text}`);
  return browser;
}

export const logOut = (browser: BrowserClient): Promise<Answer> => browser.json("POST", "/auth/logout", {});

/** Who the application takes this browser for. */
export const whoIs = async (browser: BrowserClient): Promise<string> => (await browser.get("/me")).text;

export const sessionIdOf = (browser: BrowserClient): string | null => browser.jar.get(SESSION_COOKIE)?.value ?? null;

/** The status and the reason of a JSON answer. */
export function verdictOf(answer: Answer): string {
  const body = answer.json();
  const reason = typeof body === "object" && body !== null && "reason" in body ? String(body.reason) : "";
  return `${answer.status} ${reason}`.trim();
}

/** How many answers came to each verdict. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[verdictOf(answer)] = (counts[verdictOf(answer)] ?? 0) + 1;
  return counts;
}

/** Runs `count` times at once. */
export const parallel = <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));

/** A gate that holds back whoever waits at it, until the test opens it. */
export interface Barrier {
  /** To be called by whoever is held back. */
  wait(): Promise<void>;
  /** Resolves when somebody waits. */
  readonly reached: Promise<void>;
  open(): void;
}

export function barrier(): Barrier {
  let [reach, open]: [() => void, () => void] = [() => {}, () => {}];
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    open: () => open(),
    wait: () => {
      reach();
      return opened;
    },
  };
}

/** Lets everything else run that can. */
export const giveWay = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The methods by which somebody is signed in, in order. */
export const methodsOf = (signIn: SignIn | undefined): readonly string[] => signIn?.factors.map(({ method }) => method) ?? [];
