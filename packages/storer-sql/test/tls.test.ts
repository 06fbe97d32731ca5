import { chmod, chown, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@castellan/core";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Engine, engines } from "./support/engines.ts";
import { aUser } from "./support/places.ts";
import { asUser, type TestServer } from "./support/servers.ts";

/** A server with a certificate for `host`, and Ann in it. */
async function startFor(engine: Engine, host: string): Promise<TestServer & { readonly authorities: string }> {
  const folder = await mkdtemp(join(tmpdir(), "storer-sql-tls-"));
  await chmod(folder, 0o755);
  const { cert, private: key } = await generate([{ name: "commonName", value: "database" }], {
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: host }] },
    ],
  });
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key, { mode: 0o600 });
  await asUser(engine.name === "PostgreSQL" ? "postgres" : "mysql", folder);
  const { uid, gid } = await stat(folder);
  for (const file of Object.values(files)) await chown(file, uid, gid);
  const server = await engine.start(
    engine.name === "PostgreSQL"
      ? ["ssl=on", `ssl_cert_file=${files.cert}`, `ssl_key_file=${files.key}`]
      : [`--ssl-cert=${files.cert}`, `--ssl-key=${files.key}`],
  );
  const storer = await engine.open(server.uri);
  await storer.ready();
  await storer.createUser(aUser("ann"));
  await storer.close();
  const end = async () => {
    await server.end();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...server, end, authorities: files.cert };
}

describe.each(engines)("TLS to $name", (engine) => {
  describe.skipIf(engine.isMissing)("on a server", () => {
    let server: TestServer & { readonly authorities: string };
    let stranger: TestServer & { readonly authorities: string };
    beforeAll(async () => {
      server = await startFor(engine, "localhost");
      stranger = await startFor(engine, "elsewhere.example");
    });
    afterAll(async () => {
      await server?.end();
      await stranger?.end();
    });

    /** How many connections of ours are encrypted (PostgreSQL), or how many of anybody's have been (MariaDB). */
    const encrypted = (): Promise<number> =>
      engine.within(server.uri, async (all) => {
        const [row] = await all(
          engine.name === "PostgreSQL"
            ? "SELECT count(*) AS n FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'castellan' AND ssl"
            : "SELECT variable_value AS n FROM information_schema.global_status WHERE variable_name = 'ssl_finished_accepts'",
        );
        return Number(row?.["n"]);
      });

    /** What became of looking for Ann by this address: how, or why not. */
    async function look(uri: string): Promise<string> {
      let before = await encrypted();
      // A server takes its time to forget a connection that was closed.
      while (engine.name === "PostgreSQL" && before > 0) before = await encrypted();
      const storer = await engine.open(uri);
      try {
        const refusal = await storer.load("pid-ann").then(
          (user) => (user ? "" : "nobody"),
          (error: unknown) => String(error),
        );
        return refusal || ((await encrypted()) > before ? "encrypted" : "plain");
      } finally {
        await storer.close();
      }
    }

    const named = (uri: string): string => uri.replace("127.0.0.1", "localhost");

    it("is not asked for unless the address says so", async () => {
      expect(await look(server.uri)).toBe("plain");
    });

    it("is refused by sslmode=require and verify-full where nobody known vouches for the server", async () => {
      for (const mode of ["require", "verify-full"]) expect(await look(`${named(server.uri)}?sslmode=${mode}`)).toMatch(/self-signed/);
    });

    it("is refused where the certificate is another host's", async () => {
      expect(await look(`${named(stranger.uri)}?sslrootcert=${stranger.authorities}`)).toMatch(/does not match certificate's altnames/);
    });

    it("takes the certificate of no localhost for that of an IP address", async () => {
      const looking = look(`${server.uri}?sslrootcert=${server.authorities}`);
      if (engine.name === "PostgreSQL") expect(await looking).toMatch(/127\.0\.0\.1 is not in the cert's list/);
      else await expect(looking).rejects.toThrow(ConfigError);
    });

    it("is used where the certificate is good, and by sslmode=no-verify whatever it is", async () => {
      expect(await look(`${named(server.uri)}?sslmode=verify-full&sslrootcert=${server.authorities}`)).toBe("encrypted");
      expect(await look(`${server.uri}?sslmode=no-verify`)).toBe("encrypted");
    });
  });
});
