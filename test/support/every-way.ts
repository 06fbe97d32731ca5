/** An application with every module that signs people in, and both second factors. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { confirm } from "@castellan/confirm";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { oauth2, type Provider } from "@castellan/oauth2";
import { otp } from "@castellan/otp";
import { recover } from "@castellan/recover";
import { register } from "@castellan/register";
import { remember } from "@castellan/remember";
import { sms } from "@castellan/sms";
import {
  type BrowserClient,
  type Harness,
  type HarnessOptions,
  harness,
  type MemoryStorer,
  type MemoryUser,
  TEST_SECRET,
} from "@castellan/testkit";
import { totp } from "@castellan/totp";
import { twofactor } from "@castellan/twofactor";
import { castellan, expressSessions, type Mail, minutes, type Sms } from "castellan";
import express from "express";
import { generateSync } from "otplib";

export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";
export const PID = "pid-of-ann";

export interface State {
  readonly locked: boolean;
  readonly unconfirmed: boolean;
  readonly totp: boolean;
  readonly sms: boolean;
}

/** Limits are tested elsewhere: here, many states are tried one after the other. */
const UNLIMITED = { max: 1_000_000, per: minutes(15) };
const LIMITS = [
  "attempt/subject",
  "attempt/network",
  ...["start", "proof/network", "proof/destination", "proof/destination/day"].map((name) => `oauth2/${name}`),
  ...["number", "number/hour", "number/day", "new-number/hour", "new-number/day", "account", "account/hour", "account/day"].map(
    (name) => `sms/${name}`,
  ),
];

/** A provider that vouches for whoever stands in the code. What a real one does is tested elsewhere. */
const vouching: Provider = {
  label: "Demo",
  postsForm: false,
  keepsTokens: false,
  open: () => ({
    async begin(state) {
      const endpoint = new URL("https://id.example/authorize");
      return { to: new URL(`?state=${state}`, endpoint), endpoint, keep: "" };
    },
    async finish(answer) {
      const profile = { subject: String(answer.get("code")), email: ANN, emailVerified: true, name: null };
      return { issuer: "https://id.example", profile, tokens: null };
    },
    refresh: async () => null,
    revoke: async () => {},
  }),
};

const makeGate = (options: HarnessOptions, mails: Mail[], messages: Sms[]) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    mailer: { send: async (mail) => void mails.push(mail) },
    sms: { send: async (message) => void messages.push(message) },
    ...options,
    limits: Object.fromEntries(LIMITS.map((name) => [name, UNLIMITED])),
    modules: {
      auth: auth(),
      logout: logout(),
      register: register(),
      confirm: confirm(),
      recover: recover({ signIn: true }),
      lock: lock({ after: 1000 }),
      remember: remember(),
      otp: otp(),
      twofactor: twofactor(),
      totp: totp(),
      sms: sms({ countries: ["CH"] }),
      oauth2: oauth2({ demo: vouching }),
    },
  });

export interface EveryWay extends Harness<ReturnType<typeof makeGate>> {
  /** The link of the newest mail, as a path of the application. */
  mailedLink(): Promise<string>;
  readonly state: State;
  /** The code of the newest text message; one that is never right where none was sent. */
  sentCode(): string;
  /** What Ann's app shows now: never the same twice. */
  appCode(): string;
  /** Puts the account into its state: after everything else was prepared. */
  shut(state: State): Promise<void>;
}

/** Says of Ann what no operation says: that her address is not confirmed any more. */
function unconfirming(storer: MemoryStorer): { readonly storer: MemoryStorer; unconfirm(): void } {
  let isOn = false;
  const changed = <U extends MemoryUser>(user: U): U => (isOn && user.pid === PID ? { ...user, confirmedAt: null } : user);
  const { load, findByLogin, findSignIn } = storer;
  return {
    storer: Object.assign(storer, {
      load: async (pid: string) => {
        const user = await load(pid);
        return user && changed(user);
      },
      findByLogin: async (login: string) => {
        const user = await findByLogin(login);
        return user && changed(user);
      },
      findSignIn: async (key: string, now: Date) => {
        const found = await findSignIn(key, now);
        return found && { ...found, user: changed(found.user) };
      },
    }),
    unconfirm() {
      isOn = true;
    },
  };
}

/** Starts it with Ann, who has the factors of `state`. */
export async function startEveryWay(state: State): Promise<EveryWay> {
  const mails: Mail[] = [];
  const messages: Sms[] = [];
  const started = await harness({
    gate: (options) => makeGate(options, mails, messages),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/half", gate.require(), (_req, res) => void res.send("inside"));
      app.get("/full", gate.require({ level: "full" }), (_req, res) => void res.send("inside"));
      return app;
    },
  });
  const { storer, unconfirm } = unconfirming(started.storer);
  const { clock, hasher } = started;
  const passwordHash = await hasher.hash(PASSWORD);
  assert.ok(await storer.createUser({ pid: PID, login: ANN, email: ANN, passwordHash, profile: {}, createdAt: clock.now() }));
  await storer.confirmUser(PID, ANN, clock.now());

  let secret = "";
  const appCode = (): string => {
    clock.advance(minutes(1));
    return generateSync({ secret, strategy: "totp", epoch: Math.floor(clock.now().getTime() / 1000) });
  };
  if (state.totp || state.sms) {
    // The way of a person, so that what is stored is what the modules store.
    const browser = started.browser();
    assert.equal((await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD })).status, 200);
    if (state.sms) {
      assert.equal((await browser.json("POST", "/auth/2fa/sms/setup", { phone_number: "+41791234567" })).status, 200);
      assert.equal((await browser.json("POST", "/auth/2fa/sms/confirm", { code: messages.at(-1)?.text.slice(0, 6) })).status, 200);
    }
    if (state.totp) {
      assert.equal((await browser.json("POST", "/auth/2fa/totp/setup", {})).status, 200);
      const waiting = (await browser.json("GET", "/auth/2fa/totp/confirm")).json();
      assert.ok(typeof waiting === "object" && waiting !== null && "secret" in waiting);
      secret = String(waiting.secret);
      assert.equal((await browser.json("POST", "/auth/2fa/totp/confirm", { code: appCode() })).status, 200);
    }
    clock.advance(minutes(2));
  }

  return Object.assign(started, {
    state,
    async mailedLink() {
      await started.gate.deliverMails();
      const [link] = mails.flatMap(({ text }) => /https:\S+/.exec(text) ?? []).slice(-1);
      assert.ok(link, "no link was mailed");
      return link.slice(new URL(link).origin.length);
    },
    sentCode: () => messages.at(-1)?.text.slice(0, 6) ?? "000000",
    appCode,
    async shut({ locked, unconfirmed }: State) {
      if (unconfirmed) unconfirm();
      if (locked) await storer.lockUser(PID, new Date(clock.now().getTime() + minutes(60)));
    },
  });
}

/** How far this browser got. */
export async function levelOf(browser: BrowserClient): Promise<"nobody" | "half" | "full"> {
  if ((await browser.json("GET", "/full")).status === 200) return "full";
  return (await browser.json("GET", "/half")).status === 200 ? "half" : "nobody";
}
