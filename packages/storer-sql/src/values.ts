/** What every database refuses to bind. @module */

/** A caller in plain JavaScript handed in something that is no text and no number. The caller's mistake, not the world's. */
export class WrongParameter extends TypeError {}

/** A driver would bind a missing parameter or a Date as NULL, and take an object that comes first for named parameters: all silently. */
export function checkParams(params: readonly unknown[], count: number, sql: string): void {
  if (params.length !== count) {
    throw new WrongParameter(`the statement has ${count} placeholders and got ${params.length} values: ${sql}`);
  }
  for (const param of params) {
    if (param !== null && typeof param !== "string" && typeof param !== "number") {
      throw new WrongParameter(`a value to store must be a string, a number or null, not ${typeof param}`);
    }
  }
}
