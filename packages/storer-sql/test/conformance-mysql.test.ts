import { mysql } from "@castellan/storer-sql/mysql";
import { conformance } from "@castellan/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";
import { hasMariadb, startMariadb } from "./support/mariadb-server.ts";
import { emptyMysql, withMysql } from "./support/mysql-rows.ts";
import { isMissing, type TestServer } from "./support/servers.ts";

describe.skipIf(isMissing("MariaDB server", hasMariadb))("MariaDB", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server?.end());

  conformance(
    {
      make: async () => {
        await emptyMysql(server.uri);
        return mysql(server.uri);
      },
      removeUser: async (_, pid) => {
        await withMysql(server.uri, (all) => all("DELETE FROM castellan_user WHERE pid = ?", [pid]));
      },
    },
    { describe, it },
  );
});
