/** The two kinds of error that are thrown: wrong wiring, and a world that failed. All else is a reply with a reason. @module */

/** The application is wired wrongly. Thrown at start-up, listing every problem with its mend. */
export class ConfigError extends Error {
  readonly code = "CASTELLAN_CONFIG";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.map((problem) => `  - ${problem}`).join("\n");
    super(`Castellan cannot start, ${problems.length === 1 ? "one thing is" : `${problems.length} things are`} wrong:\n${list}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/**
 * The world failed: the database is away, the mail was refused, too much work waits. `cause` says what happened and is for the log; the visitor sees a
 * plain answer with `status` (RFC 9110, 15.6.4: 503).
 */
export class Unavailable extends Error {
  readonly code = "CASTELLAN_UNAVAILABLE";
  readonly status = 503;
  /** A stable word for clients, for example `"unavailable"` or `"busy"`. */
  readonly reason: string;
  /** Seconds after which another try makes sense; sent as Retry-After. */
  readonly retryAfter: number | null;

  constructor(message: string, options: { readonly cause?: unknown; readonly reason?: string; readonly retryAfter?: number } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "Unavailable";
    this.reason = options.reason ?? "unavailable";
    this.retryAfter = options.retryAfter ?? null;
  }
}
