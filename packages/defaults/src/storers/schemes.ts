/** Which storer opens which kind of address. A further one is a line here. @module */
import { fileURLToPath } from "node:url";
import { ConfigError } from "@castellan/core";

export interface Opener {
  /** What is loaded when it is first needed. */
  readonly entry: string;
  /** The function there that opens a storer. */
  readonly opens: string;
  /** What else must be installed: drivers. */
  readonly driver?: string;
  /** How such an address looks, without anybody's password. */
  readonly example: string;
  /** What the function wants. @default the address as it is */
  readonly argument?: (uri: string) => string;
}

/** By scheme, without the colon. */
export type Schemes = Readonly<Record<string, Opener>>;

/** The file of `scheme:///path/to/file`. */
function fileOf(uri: string, kind: string, example: string): string {
  try {
    if (/^\w+:\/\/\/[^?#]+$/.test(uri)) return fileURLToPath(uri.replace(/^\w+:/, "file:"));
  } catch {
    // A % that encodes nothing, or a / that is encoded: told below.
  }
  const scheme = example.split("/", 1)[0];
  throw new ConfigError([
    `openStorer: an address of ${kind} is ${scheme}// and the whole path, which begins with a slash: ${example}; ? # and % in it are percent-encoded`,
  ]);
}

const SQLITE = "sqlite:///path/to/app.db";
const FILE = "file:///path/to/app.json";

const postgres: Opener = {
  entry: "@castellan/storer-sql/postgres",
  opens: "postgres",
  driver: "pg",
  example: "postgres://user:password@host/database",
};

const mysql: Opener = {
  entry: "@castellan/storer-sql/mysql",
  opens: "mysql",
  driver: "mysql2",
  example: "mysql://user:password@host/database",
};

const redis: Opener = {
  entry: "@castellan/storer-redis",
  opens: "redis",
  driver: "ioredis",
  example: "redis://user:password@host/0",
};

/** It speaks to etcd by HTTP, without a driver. */
const etcd: Opener = {
  entry: "@castellan/storer-etcd",
  opens: "etcd",
  example: "etcd://user:password@host:2379,host2:2379/prefix",
};

const mongodb: Opener = {
  entry: "@castellan/storer-mongodb",
  opens: "mongodb",
  driver: "mongodb",
  example: "mongodb://user:password@host/database",
};

export const schemes: Schemes = {
  sqlite: {
    entry: "@castellan/storer-sql/sqlite",
    opens: "sqlite",
    example: SQLITE,
    argument: (uri) => (uri === "sqlite://:memory:" ? ":memory:" : fileOf(uri, "SQLite", SQLITE)),
  },
  postgres,
  postgresql: postgres,
  mysql,
  mariadb: mysql,
  redis,
  rediss: redis,
  etcd,
  etcds: etcd,
  mongodb,
  "mongodb+srv": mongodb,
  file: { entry: "@castellan/storer-file", opens: "jsonFile", example: FILE, argument: (uri) => fileOf(uri, "a JSON file", FILE) },
};
