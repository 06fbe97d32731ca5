/** For tests about how a gate is mounted: both versions of Express, a gate for any application, and the whole flow of a person and of a client. @module */
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { createRequire } from "node:module";
import { auth } from "@castellan/auth";
import { logout } from "@castellan/logout";
import { register } from "@castellan/register";
import { type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions } from "castellan";
import express5, { type Request } from "express";
import { onTestFinished } from "vitest";
import { PASSWORD } from "./app.ts";

declare module "express-session" {
  /** What the applications of these tests keep. */
  interface SessionData {
    count: number;
    cart: string;
  }
}

// What the suite and these tests use of Express 4 is typed as in Express 5; the types of both in one program would contradict each other.
const express4 = createRequire(import.meta.url)("express4") as typeof express5;

export type ExpressModule = typeof express5;
export const EXPRESS_VERSIONS: readonly (readonly [string, ExpressModule])[] = [
  ["Express 5", express5],
  ["Express 4", express4],
];

export type GateChanges = Partial<CastellanOptions<HarnessOptions["storer"], never>>;

export const mountedGate = (options: HarnessOptions, changes: GateChanges = {}) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    ...options,
    ...changes,
    modules: { auth: auth({ afterLogin: "/account" }), logout: logout(), register: register({ afterRegister: "/account" }) },
  });

export type MountedGate = ReturnType<typeof mountedGate>;

/** Starts the application that `app` makes around a gate; it is closed when the test is over. */
export async function startMounted(parts: {
  readonly app: (gate: MountedGate) => RequestListener;
  readonly gate?: GateChanges;
  readonly rootUrl?: string;
}): Promise<Harness<MountedGate>> {
  const { app, gate, rootUrl } = parts;
  const started = await harness({
    ...(rootUrl !== undefined && { rootUrl }),
    gate: (options) => mountedGate(options, gate),
    app,
  });
  onTestFinished(() => started.close());
  return started;
}

/** What pages ask of a gate, whatever its users are. */
export interface AnyGate extends Pick<MountedGate, "clientState" | "router" | "require" | "session"> {
  user(req: Request): { readonly login: string };
}

/** Puts the page for users, and a start page, into `app`. */
export function addPages(app: Pick<ReturnType<ExpressModule>, "get">, gate: AnyGate): void {
  app.get("/", (_req, res) => void res.send("start"));
  app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
}

/** Where the parts of an application stand, as a browser sees them. */
export interface Places {
  readonly mount: string;
  /** The page for users. @default "/account" */
  readonly account?: string;
  /** The start page, where a sign-out leads. @default "/" */
  readonly start?: string;
}

const pathOf = (url: string): string => new URL(url).pathname;

/** A person registers, signs out, mistypes, signs in, and signs out, with forms only. */
export async function personsFlow(browser: BrowserClient, { mount, account = "/account" }: Places): Promise<void> {
  const registration = await browser.get(`${mount}/register`);
  const registered = await registration.page
    .form(`${mount}/register`)
    .submit({ email: "ann@example.com", password: PASSWORD, confirm_password: PASSWORD });
  assert.equal(registered.text, "account of ann@example.com");

  const question = await browser.get(`${mount}/logout`);
  const start = await question.page.form(`${mount}/logout`).submit();
  assert.equal(start.text, "start");

  const turned = await browser.get(account);
  assert.equal(pathOf(turned.url), `${mount}/login`);
  assert.equal(turned.redirects[0]?.status, 303);
  const wrong = await turned.page.form(`${mount}/login`).submit({ email: "ann@example.com", password: "wrong" });
  assert.equal(wrong.status, 401);
  const right = await wrong.page.form(`${mount}/login`).submit({ password: PASSWORD });
  assert.equal(pathOf(right.url), account);
  assert.equal(right.text, "account of ann@example.com");

  const again = await browser.get(`${mount}/logout`);
  await again.page.form(`${mount}/logout`).submit();
  assert.equal(pathOf((await browser.get(account)).url), `${mount}/login`);
}

/** The same by a script that speaks JSON, with the token that each answer brings. */
export async function clientsFlow(browser: BrowserClient, { mount, account = "/account" }: Places): Promise<void> {
  const post = async (path: string, body: object): Promise<{ readonly status: number; readonly answer: unknown }> => {
    const got = await browser.json("POST", mount + path, body);
    return { status: got.status, answer: got.json() };
  };
  const credentials = { email: "bob@example.com", password: PASSWORD };
  const registered = await post("/register", credentials);
  assert.equal(registered.status, 200);
  assert.equal(Reflect.get(Object(registered.answer), "reason"), "registered");
  assert.equal((await browser.json("GET", account)).text, "account of bob@example.com");

  assert.equal((await post("/logout", {})).status, 200);
  const turned = await browser.json("GET", account);
  assert.equal(turned.status, 401);
  assert.equal(Reflect.get(Object(turned.json()), "reason"), "login_required");

  const wrong = await post("/login", { ...credentials, password: "wrong" });
  assert.equal(wrong.status, 401);
  assert.equal(Reflect.get(Object(wrong.answer), "reason"), "invalid_credentials");
  const right = await post("/login", credentials);
  assert.equal(right.status, 200);
  assert.equal(Reflect.get(Object(right.answer), "reason"), "signed_in");
  assert.equal((await browser.json("GET", account)).text, "account of bob@example.com");

  // Without a body there is no content type that would tell a script from a form, so the token must come along.
  const token = String(Reflect.get(Object(right.answer), "csrfToken"));
  assert.equal((await browser.json("DELETE", `${mount}/logout`)).status, 403);
  assert.equal((await browser.json("DELETE", `${mount}/logout`, undefined, { headers: { "X-CSRF-Token": token } })).status, 200);
  assert.equal((await browser.json("GET", account)).status, 401);
}

/** Both flows, each in a browser of its own. */
export async function wholeFlow(app: Pick<Harness<MountedGate>, "browser">, places: Places): Promise<void> {
  await personsFlow(app.browser(), places);
  await clientsFlow(app.browser(), places);
}
