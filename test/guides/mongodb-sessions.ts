/** Sessions in MongoDB, by connect-mongo. @module */
import { MongoStore } from "connect-mongo";
import { MongoClient } from "mongodb";

/** `patience` is how many milliseconds a request waits for the database before it is answered with 503. */
export function mongodbSessions(url: string, patience = 3_000) {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: patience, connectTimeoutMS: patience, timeoutMS: patience });
  // By default connect-mongo makes its index now, and a database that is away at the start would end this process.
  const store = MongoStore.create({ client, collectionName: "sessions", autoRemove: "disabled" });
  return { store, close: () => client.close() };
}
