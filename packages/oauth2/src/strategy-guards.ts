/** What stands between a strategy of passport and the process: nothing that it throws, and no answer of its provider, ends more than one sign-in. @module */
import type { Duration } from "@castellan/core";
import { LONGEST_ANSWER } from "./fetching.ts";
import { ProviderFailure } from "./provider.ts";

type Done = (...answer: unknown[]) => void;

/** What is asked of the library that sends the requests: `node:http` or `node:https`. */
interface Library {
  request(options: object): Outgoing;
}

interface Outgoing {
  on(event: "response", heard: (response: Incoming) => void): unknown;
  destroy(): unknown;
}

interface Incoming {
  on(event: "data", heard: (chunk: Uint8Array | string) => void): unknown;
}

/** The client that strategies bring along, of the package `oauth`. */
export interface StrategyClient {
  getOAuthAccessToken(
    token: string,
    parameters: object,
    done: (error: unknown, access?: unknown, refresh?: unknown, more?: unknown) => void,
  ): void;
  _request(...call: [...unknown[], Done]): void;
  /** There since its version 0.9. */
  _executeRequest?(library: Library, ...call: unknown[]): void;
}

/** The library, but a request ends with the time, and an answer that has no end is not read to it. */
const bounded = (library: Library, time: Duration, tooLong: () => void): Library => ({
  request(options) {
    const request = library.request({ ...options, signal: AbortSignal.timeout(time) });
    let size = 0;
    request.on("response", (response) => {
      response.on("data", (chunk) => {
        size += chunk.length;
        if (size <= LONGEST_ANSWER) return;
        tooLong();
        request.destroy();
      });
    });
    return request;
  },
});

/**
 * The client, but what a strategy throws while it reads an answer (several parse without looking) fails this request, and not the process; so does what the client itself throws there. Each request has
 * `time`, and answers have an end.
 */
export function guarded(client: StrategyClient, thrown: (error: unknown) => void, time: Duration): StrategyClient {
  const tooLong = (): void => thrown(new ProviderFailure("oauth2_answer_invalid", new Error("the answer is too long")));
  const own: Pick<StrategyClient, "_request" | "_executeRequest"> = {
    _request(...call) {
      const done = call.pop();
      const answered = (...answer: unknown[]): void => {
        try {
          // The last one is the callback, as its type says.
          (done as Done)(...answer);
        } catch (error) {
          thrown(error);
        }
      };
      client._request.call(this, ...call, answered);
    },
  };
  const execute = client._executeRequest;
  if (execute) {
    own._executeRequest = function (library, ...call) {
      execute.call(this, bounded(library, time, tooLong), ...call);
    };
  }
  return Object.assign(Object.create(client), own);
}

/** Parts of a strategy that may be asynchronous, though nobody waits for what they promise. */
const UNAWAITED = ["authenticate", "userProfile", "_loadUserProfile", "_skipUserProfile"] as const;

/** The strategy, but what those parts throw late is told as well. */
export function withAsyncCaught(strategy: object, thrown: (error: unknown) => void): object {
  const caught: Record<string, unknown> = {};
  for (const name of UNAWAITED) {
    const own: unknown = Reflect.get(strategy, name);
    if (typeof own !== "function") continue;
    const watched = function (this: unknown, ...given: unknown[]): unknown {
      const promised: unknown = Reflect.apply(own, this, given);
      Promise.resolve(promised).catch(thrown);
      return promised;
    };
    // Strategies count parameters to find out whether they wait.
    caught[name] = Object.defineProperty(watched, "length", { value: own.length });
  }
  return Object.assign(Object.create(strategy), caught);
}
