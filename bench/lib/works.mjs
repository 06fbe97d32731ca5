/** What the suite asks of a storer for a session check, a login and a registration: without hash, cookies and pages. `test/bench-counts.test.ts` holds it to what a server asks. @module */
import { minutes } from "castellan";
import { HOUR, keyOf, sessionText, signInRow, userRow } from "./rows.mjs";

const LIMIT = { max: 1e9, per: minutes(15) };
const NETWORK_USES = "attempt/network:203.0.113.77";

/** @typedef {{ key: string, pid: string, login: string }} Picked somebody who is signed in, `key` being that of the sign-in and of the session */
/** @typedef {{ check: () => Promise<void>, login: () => Promise<void>, registration: () => Promise<void> }} Works */

let made = 0;

/** A number that no user and no sign-in of this process has. Beyond those that are filled in. */
const another = () => {
  made += 1;
  return made + 1e9;
};

/**
 * @param {import("castellan").OpenedStorer} storer
 * @param {readonly Picked[]} picked who comes, one after the other @param {Date} now
 * @returns {Works}
 */
export function worksOn(storer, picked, now) {
  let turn = 0;
  const next = () => {
    turn = (turn + 1) % picked.length;
    const one = picked[turn];
    if (!one) throw new Error("nobody was picked");
    return one;
  };
  const session = { data: sessionText(now), expiresAt: new Date(now.getTime() + HOUR) };
  // Where the store answers at once, a session is loaded only when the application looks at it.
  const isLoaded = storer.loadSession(keyOf(0), now) instanceof Promise;
  const use = (/** @type {string} */ key) => storer.countUse(key, LIMIT.max, LIMIT.per, now);
  const signIn = async (/** @type {string} */ pid) => {
    const number = another();
    await use(NETWORK_USES);
    await use(`attempt/subject:password:pid:${pid}`);
    await storer.forgetUses(`attempt/subject:password:pid:${pid}`);
    await storer.takeBackUse(NETWORK_USES, now);
    await storer.load(pid);
    await storer.destroySession(keyOf(0));
    await storer.saveSession(keyOf(number), session);
    if (!(await storer.createSignIn(keyOf(number), signInRow(pid, number, now)))) throw new Error("no sign-in was made");
    await storer.saveSession(keyOf(number), session);
  };
  return {
    async check() {
      const { key } = next();
      if (isLoaded && !(await storer.loadSession(key, now))) throw new Error("a session is gone");
      if (!(await storer.findSignIn(key, now))) throw new Error("a sign-in is gone");
    },
    async login() {
      const { pid, login } = next();
      if (!(await storer.findByLogin(login))) throw new Error("a user is gone");
      await signIn(pid);
    },
    async registration() {
      const user = userRow(another(), now);
      await use("register/network:203.0.113.77");
      if (!(await storer.createUser(user))) throw new Error("no user was made");
      await storer.load(user.pid);
      await signIn(user.pid);
    },
  };
}

/**
 * Signs users in through the storer.
 * @param {import("castellan").OpenedStorer} storer @param {readonly string[]} logins @param {Date} now
 * @returns {Promise<readonly Picked[]>}
 */
export async function signedIn(storer, logins, now) {
  const picked = [];
  for (const login of logins) {
    const user = await storer.findByLogin(login);
    if (!user) throw new Error(`${login} is gone`);
    const [number, pid] = [another(), user.pid];
    const key = keyOf(number);
    await storer.saveSession(key, { data: sessionText(now), expiresAt: new Date(now.getTime() + HOUR) });
    if (!(await storer.createSignIn(key, { ...signInRow(pid, number, now), epoch: user.epoch }))) throw new Error("no sign-in was made");
    picked.push({ key, pid, login });
  }
  return picked;
}
