/** etcd as the tests that span packages take a database: a server whose acknowledged writes survive it, since etcd syncs each of them to the disk before it answers. @module */
import { type EtcdServer, isMissing, newServer } from "./servers.ts";

export const engine = {
  name: "etcd",
  isMissing,
  start: (): Promise<EtcdServer> => newServer(),
} as const;
