/** Options of a gate as plain JavaScript may hand them over, and what the start-up check says about them. @module */
import { ConfigError, defineModule, type Module, minutes, type ServerStorer } from "@castellan/core";
import { memoryStorer } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";

export const KEY = "a-key-of-these-tests-0123456789-abcdefghijkl";
const SECRET = "a-secret-of-these-tests-9876543210-zyxwvuts";

/** A module of one route, limit and reason. */
export const small = (name: string, path: string): Module<ServerStorer, { readonly name: string }> =>
  defineModule({
    name,
    requires: [],
    reasons: ["done"],
    texts: { "reason.done": "Done." },
    start: (core) => {
      core.route("GET", path, () => {
        throw new Error("nobody asks");
      });
      core.limit("use", "network", 1, minutes(1));
      return { name };
    },
  });

export const good = () => ({
  rootUrl: "https://app.example.com",
  keys: [KEY],
  storer: memoryStorer(),
  sessions: expressSessions({ secret: SECRET }),
  sweepEvery: null,
  // Whoever says who mails come from says what sends them.
  mailer: { send: async () => {} },
  modules: {},
});

/** What plain JavaScript could hand over: nothing here has been looked at by the compiler. */
export const make = (options?: unknown): unknown => Reflect.apply(castellan, null, [options]);
export const makeOf = (changes: object): unknown => make({ ...good(), ...changes });

/** Lets go of a gate that started after all. */
export const closed = (gate: unknown): Promise<void> => Reflect.apply(Reflect.get(Object(gate), "close"), gate, []);

export function errorOf(work: () => unknown): ConfigError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was found wrong");
}
export const problemsOf = (changes: object): readonly string[] => errorOf(() => makeOf(changes)).problems;
