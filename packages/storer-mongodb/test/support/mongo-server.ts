/**
 * A MongoDB server for tests. A real one cannot be had everywhere, so this is a stand-in at the wire: real drivers speak to it over TCP, documents are BSON, unique indexes are enforced, and one document's operations are
 * atomic. Queries and updates are mingo's. It has no transactions and no replication. Where `MONGODB_URL` is set, the tests run against that server instead. @module
 */
import { createServer, type Server, type Socket } from "node:net";
import { Databases, runCommand } from "./mongo-commands.ts";
import { type Fields, Messages, type Request, replyTo } from "./mongo-wire.ts";

/** What happens to a command: it runs; the connection breaks before it, or after it and before the answer; or it is never answered. */
export type Fate = "run" | "lose" | "lose answer" | "hang";

const DEATHS_OF_SOCKETS = new Set(["ECONNRESET", "EPIPE"]);

export class MongoServer {
  #databases = new Databases();
  #server: Server | null = null;
  #port = 0;
  readonly #sockets = new Set<Socket>();
  /** Decides what becomes of each command. For tests of faults. */
  fate: (name: string, body: Fields) => Fate = () => "run";
  /** The commands that were run since it was last emptied, but for those by which drivers watch a server. */
  readonly commands: Fields[] = [];

  /** Of a database that nobody else has. */
  get uri(): string {
    return `mongodb://127.0.0.1:${this.#port}/castellan`;
  }

  get port(): number {
    return this.#port;
  }

  /** What had to look at every document of a collection. */
  get scans(): string[] {
    return this.#databases.scans;
  }

  /** Listens, on the port that it had before if it had one. */
  start(): Promise<void> {
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", reject).listen(this.#port, "127.0.0.1", () => {
        const address = server.address();
        if (typeof address === "object" && address) this.#port = address.port;
        resolve();
      });
    });
  }

  /** At once, as a crash would: connections break, and what was acknowledged is kept. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  async end(): Promise<void> {
    await this.stop();
    this.#databases = new Databases();
  }

  /** Removes what the TTL indexes say is over at `now`. */
  expire(now: Date): void {
    this.#databases.expire(now);
  }

  /** The documents of a collection, to look at. */
  documentsOf(collection: string): Fields[] {
    return this.#databases.of("castellan", collection).all();
  }

  get collections(): string[] {
    return this.#databases.namesOf("castellan");
  }

  #serve(socket: Socket): void {
    const messages = new Messages();
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (!DEATHS_OF_SOCKETS.has(error.code ?? "")) throw error;
    });
    // One connection's commands are answered in their order.
    let before: Promise<unknown> = Promise.resolve();
    socket.on("data", (chunk) => {
      for (const request of messages.take(chunk)) before = before.then(() => this.#answer(socket, request));
    });
  }

  async #answer(socket: Socket, request: Request): Promise<void> {
    const [name = ""] = Object.keys(request.body);
    const isWatching = /^(hello|ismaster|ping|endSessions)$/i.test(name);
    const fate = isWatching ? "run" : this.fate(name, request.body);
    if (fate === "hang" || socket.destroyed) return;
    if (fate === "lose") {
      socket.destroy();
      return;
    }
    if (!isWatching) this.commands.push(request.body);
    const reply = await runCommand(request.body, this.#databases);
    if (fate === "lose answer") socket.destroy();
    if (!request.isSilent && !socket.destroyed) socket.write(replyTo(request, reply));
  }
}

/** A stand-in that listens. */
export async function startMongo(): Promise<MongoServer> {
  const server = new MongoServer();
  await server.start();
  return server;
}
