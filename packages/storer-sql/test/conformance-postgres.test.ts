import { postgres } from "@castellan/storer-sql/postgres";
import { conformance } from "@castellan/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";
import { emptyPostgres, withPostgres } from "./support/postgres-rows.ts";
import { hasPostgres, startPostgres } from "./support/postgres-server.ts";
import { isMissing, type TestServer } from "./support/servers.ts";

describe.skipIf(isMissing("PostgreSQL server", hasPostgres))("PostgreSQL", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.end());

  conformance(
    {
      make: async () => {
        await emptyPostgres(server.uri);
        return postgres(server.uri);
      },
      removeUser: async (_, pid) => {
        await withPostgres(server.uri, (all) => all("DELETE FROM castellan_user WHERE pid = $1", [pid]));
      },
    },
    { describe, it },
  );
});
