/** Sessions in PostgreSQL, by connect-pg-simple. @module */
import connectPgSimple from "connect-pg-simple";
import session from "express-session";
import pg from "pg";

const PgStore = connectPgSimple(session);

/** `patience` is how many milliseconds a request waits for the database before it is answered with 503. */
export function postgresSessions(url: string, patience = 3_000) {
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: patience, query_timeout: patience });
  // Without a listener, a server that restarts would end this process.
  pool.on("error", (error) => console.error("sessions:", error.message));
  const store = new PgStore({ pool, tableName: "session", pruneSessionInterval: 15 * 60 });
  const close = async (): Promise<void> => {
    store.close();
    await pool.end();
  };
  return { store, close };
}
