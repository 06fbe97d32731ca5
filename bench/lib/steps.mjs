/** One visitor's way through an account, from the registration to a login with a code of an app, as requests to a server that counts. @module */
import { createHmac } from "node:crypto";
import { loginOf, PASSWORD } from "./accounts.mjs";
import { ask, tryToSignIn } from "./visitors.mjs";

const MINUTE = 60_000;
const CODE_MS = 30_000;

/** @typedef {{ cookie?: string | undefined, csrf?: string | undefined }} Session */
/**
 * @typedef {object} Step
 * @property {string} name
 * @property {() => Promise<unknown>} go
 * @property {() => Promise<unknown>} [before] what has to be so, and is not counted
 */

/** @template {import("./visitors.mjs").Answer} T @param {T} answer @param {number} status */
function right(answer, status) {
  if (answer.status !== status) throw new Error(`answered with ${answer.status} instead of ${status}: ${answer.body}`);
  return answer;
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of an authenticator app, RFC 6238. @param {string} secret in base32 @param {number} now */
function codeAt(secret, now) {
  const bits = [...secret].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(now / CODE_MS)));
  const digest = createHmac("sha1", key).update(counter).digest();
  const offset = digest.readUInt8(digest.length - 1) & 0xf;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1e6).padStart(6, "0");
}

/** What one client of a server does and sees. @param {import("./server.mjs").Server} server */
function clientOf(server) {
  /** @type {Session} */
  let session = {};
  const say = async (/** @type {string} */ path, /** @type {{ method?: string, json?: unknown }} */ sent) => {
    const answer = right(await ask(server, path, { ...session, ...sent }), 200);
    const told = JSON.parse(answer.body);
    session = { cookie: answer.cookie || session.cookie, csrf: told.csrfToken };
    return told;
  };
  return {
    post: (/** @type {string} */ path, /** @type {unknown} */ json = {}) => say(path, { method: "POST", json }),
    get: (/** @type {string} */ path) => say(path, {}),
    page: async () => void right(await ask(server, "/me", { cookie: session.cookie ?? "" }), 200),
    /** Whoever comes next holds no cookie. */
    forget: () => {
      session = {};
    },
  };
}

/**
 * The steps of the `turn`th visitor, to be gone in this order.
 * @param {import("./server.mjs").Server} server with everything mounted @param {number} turn
 * @returns {readonly Step[]}
 */
export function stepsOf(server, turn) {
  const email = `new${turn}@example.test`;
  const another = `another ${PASSWORD}`;
  const { post, get, page, forget } = clientOf(server);
  let [link, secret] = ["", ""];
  const code = async () => ({ code: codeAt(secret, (await server.figures()).now) });
  const setUp = async () => {
    forget();
    await post("/auth/login", { email, password: PASSWORD });
    await post("/auth/2fa/totp/setup");
    ({ secret } = await get("/auth/2fa/totp/confirm"));
    await post("/auth/2fa/totp/confirm", await code());
    forget();
    await server.advance(MINUTE);
  };
  let proof = {};
  return [
    { name: "registration, signed in by it", go: () => post("/auth/register", { email, password: PASSWORD }) },
    { name: "a login that is refused", go: async () => right(await tryToSignIn(server, loginOf(2), "not the right password"), 401) },
    { name: "a login", before: async () => forget(), go: () => post("/auth/login", { email, password: PASSWORD }) },
    { name: "a page of a user (session check)", go: page },
    { name: "— the first one after a minute", before: () => server.advance(MINUTE), go: page },
    { name: "a change of the password", go: () => post("/auth/password", { password: PASSWORD, new_password: another }) },
    { name: "a logout", go: () => post("/auth/logout") },
    { name: "recovery: a link is asked for and mailed", before: async () => forget(), go: () => post("/auth/recover", { email }) },
    {
      name: "— the new password by the link",
      async before() {
        const { mails } = await server.deliver();
        link = mails.map((mail) => /token=([\w.~-]+)/.exec(mail)?.[1]).find(Boolean) ?? "";
        if (link === "") throw new Error(`no mail has a link: ${mails.join("\n")}`);
        forget();
      },
      go: () => post("/auth/recover/end", { token: link, password: PASSWORD }),
    },
    { name: "a login with TOTP: the password", before: setUp, go: () => post("/auth/login", { email, password: PASSWORD }) },
    {
      name: "— and the code",
      async before() {
        proof = await code();
      },
      go: () => post("/auth/2fa/totp/validate", proof),
    },
  ];
}
