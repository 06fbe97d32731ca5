/** Browsers in which somebody has signed in before: told by a sealed cookie. They vouch for nothing; they only set the owner apart from strangers. @module */
import type { KeyRing } from "../keys.ts";
import { type Random, randomText } from "../random.ts";
import { days } from "../time.ts";
import type { Context } from "./context.ts";

const COOKIE = "browser";
const ID_BYTES = 16;
const MOST_USERS = 5;
/** As long as browsers keep any cookie (RFC 6265bis, 5.5). */
const SECONDS = days(400) / 1000;

interface Kept {
  readonly id: string;
  /** Keyed hashes of pids, the most recent first. */
  readonly users: readonly string[];
}

export class KnownBrowsers {
  readonly #keys: KeyRing;
  readonly #random: Random;

  constructor(keys: KeyRing, random: Random) {
    this.#keys = keys;
    this.#random = random;
  }

  /** The id of this browser if `pid` has signed in here before; `null` for a stranger's. */
  idFor(ctx: Context, pid: string): string | null {
    const kept = this.#read(ctx);
    return kept?.users.some((mac) => this.#keys.recognises("known browser", pid, mac)) ? kept.id : null;
  }

  /** Notes that `pid` has signed in here. */
  learn(ctx: Context, pid: string): void {
    const kept = this.#read(ctx);
    const others = (kept?.users ?? []).filter((mac) => !this.#keys.recognises("known browser", pid, mac));
    const users = [this.#keys.mac("known browser", pid), ...others].slice(0, MOST_USERS);
    ctx.cookies.put(COOKIE, JSON.stringify({ id: kept?.id ?? randomText(this.#random, ID_BYTES), users }), { maxAge: SECONDS });
  }

  #read(ctx: Context): Kept | null {
    const text = ctx.cookies.get(COOKIE);
    return text === null ? null : (JSON.parse(text) as Kept); // sealed by `learn`
  }
}
