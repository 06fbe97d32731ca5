/** Holds an answer back until what it tells of is done. @module */
import type { ServerResponse } from "node:http";

/** Answers with `body` in place of what was held back. */
export type Instead = (body: string) => void;

/**
 * Nothing of the answer is sent before `work` is done. When that fails, what the application answers is dropped, whenever it comes, and `refuse` answers in its place.
 * express-session holds back the end of an answer only; a status that is out cannot be taken back.
 */
export function holdAnswer(res: ServerResponse, work: Promise<void>, refuse: (error: unknown, instead: Instead) => void): void {
  const { write, end } = res;
  const held: (() => void)[] = [];
  let state: "waiting" | "done" | "failed" | "refused" = "waiting";
  let hasEnded = false;
  let failure: unknown;

  const turnDown = (): void => {
    state = "refused";
    refuse(failure, (body) => void Reflect.apply(end, res, [body]));
  };
  const holding =
    <Result>(send: (...given: never[]) => Result, isEnd: boolean, meanwhile: Result) =>
    (...given: unknown[]): Result => {
      // Called with what it was called with, whatever its overloads are.
      const go = (): Result => Reflect.apply(send, res, given) as Result;
      if (state === "done") return go();
      if (state === "failed") turnDown();
      if (state === "waiting" && !hasEnded) held.push(go);
      hasEnded ||= isEnd;
      return meanwhile;
    };
  Object.assign(res, { write: holding(write, false, false), end: holding(end, true, res) });

  work.then(
    () => {
      state = "done";
      for (const go of held) go();
      if (held.length > 0 && !hasEnded) res.emit("drain");
    },
    (error: unknown) => {
      [state, failure] = ["failed", error];
      if (held.length > 0) turnDown();
    },
  );
}
