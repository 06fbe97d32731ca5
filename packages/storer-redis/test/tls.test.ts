/** `rediss://`: encrypted, and only to whoever has a good certificate for the host. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, newServer, type RedisServer, withoutRedis } from "./support/servers.ts";

/** Run in a process of its own: certificates to believe in are read when Node starts. */
const LOOK = `
import { redis } from "@castellan/storer-redis";
const storer = await redis({ uri: process.argv[1], dangerouslyAllowLoss: true, onWarning: () => {} });
await storer.ready().then(() => console.log("open"), (error) => console.log(error.code, error.message));
await storer.close();`;

describe.skipIf(withoutRedis)("a server with a certificate for localhost", () => {
  let folder: string | undefined;
  let server: RedisServer | undefined;
  let port: number;
  let authorities: string;
  beforeAll(async () => {
    const { cert, private: key } = await generate([{ name: "commonName", value: "database" }], {
      extensions: [
        { name: "basicConstraints", cA: true },
        { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
      ],
    });
    folder = await mkdtemp(join(tmpdir(), "storer-redis-tls-"));
    authorities = join(folder, "cert.pem");
    const keyFile = join(folder, "key.pem");
    await writeFile(authorities, cert);
    await writeFile(keyFile, key, { mode: 0o600 });
    port = await freePort();
    const tls = { "tls-port": port, "tls-cert-file": authorities, "tls-key-file": keyFile, "tls-auth-clients": "no" };
    server = await newServer(...Object.entries(tls).flatMap(([name, value]) => [`--${name}`, String(value)]));
  });
  afterAll(async () => {
    await server?.end();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const look = async (uri: string, isTrusted: boolean): Promise<string> => {
    const environment = { ...process.env, ...(isTrusted && { NODE_EXTRA_CA_CERTS: authorities }) };
    const child = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", LOOK, uri], {
      cwd: import.meta.dirname,
      env: environment,
    });
    return child.stdout.trim();
  };

  it("is opened where Node believes in the certificate, by that name only", async () => {
    const [right, unknown, other] = await Promise.all([
      look(`rediss://localhost:${port}`, true),
      look(`rediss://localhost:${port}`, false),
      look(`rediss://127.0.0.1:${port}`, true),
    ]);
    expect(right).toBe("open");
    expect(unknown).toMatch(/^CASTELLAN_UNAVAILABLE .*certificate/);
    expect(other).toMatch(/^CASTELLAN_UNAVAILABLE .*127\.0\.0\.1/);
  });
});
