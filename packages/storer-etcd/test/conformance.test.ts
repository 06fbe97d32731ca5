import { type EtcdStorer, etcd } from "@castellan/storer-etcd";
import { conformance } from "@castellan/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type EtcdServer, newServer, withoutEtcd } from "./support/servers.ts";

describe.skipIf(withoutEtcd)("etcd", () => {
  let server: EtcdServer;
  let storers = 0;
  beforeAll(async () => {
    server = await newServer();
  });
  afterAll(() => server?.end());

  conformance<EtcdStorer>(
    {
      // One server for all cases: each works in a prefix of its own.
      make: () => etcd(`${server.uri}/case-${storers++}`),
      removeUser: async (storer, pid) => {
        await storer.removeUser(pid);
      },
    },
    { describe, it },
  );
});
