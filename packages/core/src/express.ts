/** What the suite adds to Express's requests. @module */

declare global {
  namespace Express {
    interface Request {
      /** A token for a form of the application's own, as templates written for csurf expect. There once `gate.clientState()` ran. */
      csrfToken?: () => string;
    }
  }
}

export {};
