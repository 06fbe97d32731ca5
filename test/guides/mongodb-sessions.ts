/** Sessions in MongoDB, by connect-mongo. @module */
import { setTimeout as pause } from "node:timers/promises";
import { MongoStore } from "connect-mongo";
import { MongoClient } from "mongodb";

/** `patience` is how many milliseconds a request waits for the database, once or twice, before it is answered with 503. */
export function mongodbSessions(url: string, patience = 3_000) {
  const client = new MongoClient(url, {
    serverSelectionTimeoutMS: patience,
    connectTimeoutMS: patience,
    socketTimeoutMS: patience,
    waitQueueTimeoutMS: patience,
  });
  let isOpen = true;
  // A client whose first connection fails is of no use until somebody connects it again.
  const connect = async (): Promise<void> => {
    while (isOpen) {
      try {
        await client.connect();
        return;
      } catch (error) {
        console.error("sessions:", error instanceof Error ? error.message : error);
        await pause(500);
      }
    }
  };
  // By default connect-mongo makes its index now, and a database that is away at the start would end this process.
  const store = MongoStore.create({ client, collectionName: "sessions", autoRemove: "disabled" });
  const close = async (): Promise<void> => {
    isOpen = false;
    await client.close();
  };
  return { store, connected: connect(), close };
}
