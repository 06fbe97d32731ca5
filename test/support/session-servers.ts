/** The stores for express-session that the guide has recipes for, each with its server, and with eyes on what lies there. @module */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type session from "express-session";
import { MongoClient } from "mongodb";
import pg from "pg";
import { startMongo } from "../../packages/storer-mongodb/test/support/mongo-server.ts";
import { connectionTo, newServer, withoutRedis } from "../../packages/storer-redis/test/support/servers.ts";
import { hasPostgres, startPostgres } from "../../packages/storer-sql/test/support/postgres-server.ts";
import { isMissing } from "../../packages/storer-sql/test/support/servers.ts";
import { ioredisSessions } from "../guides/ioredis-sessions.ts";
import { mongodbSessions } from "../guides/mongodb-sessions.ts";
import { postgresSessions } from "../guides/postgres-sessions.ts";
import { redisSessions } from "../guides/redis-sessions.ts";

/** What a recipe makes. */
export interface Recipe {
  readonly store: session.Store;
  close(): Promise<void>;
}

export interface Row {
  readonly text: string;
  readonly end: Date;
}

/** A server with a store's tables or indexes, as the guide makes them. */
export interface SessionServer {
  readonly uri: string;
  /** At once, as a crash would. */
  stop(): Promise<void>;
  /** Again, on the same port. */
  start(): Promise<void>;
  end(): Promise<void>;
  /** All that lies there of sessions: keys and values as text, and when the server will remove it. */
  rows(): Promise<readonly Row[]>;
  /** Keeps a copy of all; what it answers puts it back. */
  copy(): Promise<() => Promise<void>>;
  empty(): Promise<void>;
}

export interface Place {
  readonly isMissing: boolean;
  serve(): Promise<SessionServer>;
  /** The recipe of the guide. `connected` settles when its client has a connection, or will have one as soon as it is asked. */
  open(uri: string, patience?: number): Recipe & { connected(): Promise<void> };
}

const TABLE = new URL("../../node_modules/connect-pg-simple/table.sql", import.meta.url);
/** A pool connects when it is asked. */
const atOnce = async (): Promise<void> => {};

async function servePostgres(): Promise<SessionServer> {
  const server = await startPostgres();
  const query = async (sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> => {
    const client = new pg.Client(server.uri);
    await client.connect();
    try {
      const { rows } = await client.query(sql, [...values]);
      return rows;
    } finally {
      await client.end();
    }
  };
  await query(await readFile(TABLE, "utf8"));
  return {
    uri: server.uri,
    stop: server.stop,
    start: server.start,
    end: server.end,
    async rows() {
      const rows = await query(`SELECT session::text AS text, extract(epoch FROM expire::timestamptz) * 1000 AS "end" FROM session`);
      return rows.map(({ text, end }) => ({ text: String(text), end: new Date(Number(end)) }));
    },
    async copy() {
      await query("CREATE TABLE copy AS SELECT * FROM session");
      return async () => {
        await query("INSERT INTO session SELECT * FROM copy ON CONFLICT DO NOTHING");
        await query("DROP TABLE copy");
      };
    },
    empty: async () => void (await query("DELETE FROM session")),
  };
}

async function serveRedis(): Promise<SessionServer> {
  const server = await newServer();
  const ask = async <Result>(work: (redis: ReturnType<typeof connectionTo>) => Promise<Result>): Promise<Result> => {
    const redis = connectionTo(server);
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  };
  return {
    uri: `redis://127.0.0.1:${server.port}`,
    stop: () => server.stop(),
    start: server.start,
    end: server.end,
    rows: () =>
      ask(async (redis) => {
        const rows: Row[] = [];
        for (const key of await redis.keys("*")) {
          rows.push({ text: `${key} ${await redis.get(key)}`, end: new Date(Number(await redis.call("PEXPIRETIME", key))) });
        }
        return rows;
      }),
    copy: () =>
      ask(async (redis) => {
        const texts = new Map<string, string>();
        for (const key of await redis.keys("*")) texts.set(key, (await redis.get(key)) ?? "");
        return () =>
          ask(async (again) => {
            for (const [key, text] of texts) await again.set(key, text, "EX", 3600, "NX");
          });
      }),
    empty: () => ask(async (redis) => void (await redis.flushall())),
  };
}

async function serveMongo(): Promise<SessionServer> {
  const server = await startMongo();
  const ask = async <Result>(
    work: (sessions: ReturnType<ReturnType<MongoClient["db"]>["collection"]>) => Promise<Result>,
  ): Promise<Result> => {
    const client = new MongoClient(server.uri);
    try {
      return await work(client.db().collection("sessions"));
    } finally {
      await client.close();
    }
  };
  await ask((sessions) => sessions.createIndex({ expires: 1 }, { expireAfterSeconds: 0 }));
  return {
    uri: server.uri,
    stop: () => server.stop(),
    start: () => server.start(),
    end: () => server.end(),
    rows: () =>
      ask(async (sessions) =>
        (await sessions.find().toArray()).map((row) => ({ text: JSON.stringify(row), end: new Date(String(row["expires"])) })),
      ),
    copy: () =>
      ask(async (sessions) => {
        const rows = await sessions.find().toArray();
        return () =>
          ask(async (again) => {
            for (const row of rows) await again.replaceOne({ _id: row._id }, row, { upsert: true });
          });
      }),
    empty: () => ask(async (sessions) => void (await sessions.deleteMany({}))),
  };
}

export const places: Readonly<Record<string, Place>> = {
  "connect-pg-simple": {
    isMissing: isMissing("PostgreSQL", hasPostgres),
    serve: servePostgres,
    open: (uri, patience) => ({ ...postgresSessions(uri, patience), connected: atOnce }),
  },
  "connect-redis, with redis": {
    isMissing: withoutRedis,
    serve: serveRedis,
    open(uri, patience) {
      const { store, client, close } = redisSessions(uri, patience);
      return { store, close, connected: async () => void (client.isReady || (await once(client, "ready"))) };
    },
  },
  "connect-redis, with ioredis": {
    isMissing: withoutRedis,
    serve: serveRedis,
    open(uri, patience) {
      const { store, client, close } = ioredisSessions(uri, patience);
      return { store, close, connected: async () => void (client.status === "ready" || (await once(client, "ready"))) };
    },
  },
  "connect-mongo": {
    isMissing: false,
    serve: serveMongo,
    open(uri, patience) {
      const { store, connected, close } = mongodbSessions(uri, patience);
      return { store, close, connected: () => connected };
    },
  },
};
