/** Users as the suite sees them: plain, readonly snapshots. @module */

/** What every user has. Modules ask for more: see `capabilities/`. */
export interface User {
  /** Primary id: opaque and stable. Sessions and tokens name the user by it. At most 128 characters. */
  readonly pid: string;
  /** What the person types to say who they are (an e-mail address or a user name), normalised by core. */
  readonly login: string;
  /**
   * Advances when the password changes and when everything is to end. Whatever was made under another
   * epoch (sign-ins, pending logins, mailed tokens) is dead.
   */
  readonly epoch: number;
}
