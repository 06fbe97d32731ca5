/** Visitors of a server: one who signs in, and many who keep doing so. @module */
import { Agent, request } from "node:http";
import { ACCOUNTS, loginOf, PASSWORD } from "./accounts.mjs";

const agent = new Agent({ keepAlive: true });

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} body
 * @property {string} cookie what a browser would send from now on
 * @property {number} ms
 */

/**
 * One request, as a program sends it. The proxy in front of the server has ended TLS.
 * @param {import("./server.mjs").Server} server
 * @param {string} path
 * @param {{ method?: string, cookie?: string, csrf?: string, json?: unknown }} [sent]
 * @returns {Promise<Answer>}
 */
export function ask({ url }, path, { method = "GET", cookie, csrf, json } = {}) {
  const body = json === undefined ? "" : JSON.stringify(json);
  const headers = {
    "x-forwarded-proto": "https",
    accept: "application/json",
    ...(cookie && { cookie }),
    ...(csrf && { "x-csrf-token": csrf }),
    ...(json !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const sent = request(url + path, { method, agent, headers }, async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      const ms = performance.now() - began;
      const cookies = (response.headers["set-cookie"] ?? []).map((line) => line.split(";", 1)[0]);
      resolve({ status: response.statusCode ?? 0, body: text, cookie: cookies.join("; "), ms });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/**
 * @param {import("./server.mjs").Server} server
 * @param {string} [email]
 * @param {string} [password]
 */
export const tryToSignIn = (server, email = loginOf(1), password = PASSWORD) =>
  ask(server, "/auth/login", { method: "POST", json: { email, password } });

/**
 * Signs an account in; answers the cookie.
 * @param {import("./server.mjs").Server} server
 * @param {string} [email]
 */
export async function signIn(server, email) {
  const answer = await tryToSignIn(server, email);
  if (answer.status !== 200 || answer.cookie === "") throw new Error(`${server.name} answered a login with ${answer.status}`);
  return answer.cookie;
}

/**
 * `clients` visitors sign in again and again, each with an account of their own at a time, as long as `goOn(started)` says so. Answers how many logins a second
 * that were, counted to the last answer.
 * @param {import("./server.mjs").Server} server
 * @param {{ clients: number, goOn: (started: number) => boolean }} settings
 */
export async function keepSigningIn(server, { clients, goOn }) {
  let started = 0;
  const began = performance.now();
  const client = async () => {
    while (goOn(started)) {
      started += 1;
      await signIn(server, loginOf((started % ACCOUNTS) + 1));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return (started * 1000) / (performance.now() - began);
}
