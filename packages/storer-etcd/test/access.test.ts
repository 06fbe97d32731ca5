/** Servers that ask who we are, and such as are asked who they are. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "@castellan/core";
import { type EtcdStorer, etcd } from "@castellan/storer-etcd";
import { generate } from "selfsigned";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { aSignIn, at, aUser } from "./support/rows.ts";
import { type EtcdServer, newServer, withoutEtcd } from "./support/servers.ts";

async function open(uri: string): Promise<EtcdStorer> {
  const storer = await etcd(uri);
  onTestFinished(() => storer.close());
  return storer;
}

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

/** How odd characters of a password look in an address. */
const PASSWORD = "p@ss:w/rd%";
const IN_ADDRESS = encodeURIComponent(PASSWORD);

describe.skipIf(withoutEtcd)("a server that asks who we are", () => {
  let server: EtcdServer;
  /** A request of the administrator. */
  const administrate = async (path: string, body: object) => {
    const { token } = await server.call("/v3/auth/authenticate", { name: "root", password: "root" });
    return server.call(path, body, String(token));
  };
  beforeAll(async () => {
    if (withoutEtcd) return;
    server = await newServer();
    const users = [
      { name: "root", password: "root", role: "root" },
      { name: "app", password: PASSWORD, role: "app" },
      { name: "reader", password: "reader", role: "reader" },
    ];
    for (const { name, password, role } of users) {
      await server.call("/v3/auth/user/add", { name, password });
      await server.call("/v3/auth/role/add", { name: role });
      await server.call("/v3/auth/user/grant", { user: name, role });
    }
    const range = { key: base64("app/"), range_end: base64("app0") };
    await server.call("/v3/auth/role/grant", { name: "app", perm: { permType: "READWRITE", ...range } });
    await server.call("/v3/auth/role/grant", { name: "reader", perm: { permType: "READ", ...range } });
    await server.call("/v3/auth/enable", {});
  });
  afterAll(() => server?.end());

  const addressOf = (credentials: string, prefix = "app"): string => server.uri.replace("://", `://${credentials}`).concat(`/${prefix}`);

  it("is told by the address, whose user needs no more than its own prefix", async () => {
    const storer = await open(addressOf(`app:${IN_ADDRESS}@`));
    await storer.ready();
    expect(await storer.createUser(aUser("ann"))).toBe(true);
    expect(await storer.createSignIn("key", aSignIn("ann"))).toBe(true);
    expect(await storer.listSignIns("pid-ann", at(0))).toHaveLength(1);
    expect(await storer.endSignIns("pid-ann", null)).toBe(1);
    expect(await storer.sweep(at(9000), 10)).toBe(0);
  });

  it("lets us go on when it has forgotten all tokens, as one does that was restarted, or whose tokens run out: nobody notices", async () => {
    const storer = await open(addressOf(`app:${IN_ADDRESS}@`));
    await storer.createUser(aUser("bob"));
    await server.stop();
    await server.start();
    // Of many who hear of it at once.
    const epochs = await Promise.all(Array.from({ length: 10 }, () => storer.advanceEpoch("pid-bob")));
    expect([...epochs].sort((one, other) => Number(one) - Number(other))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("lets us go on when users of it are changed meanwhile", async () => {
    const storer = await open(addressOf(`app:${IN_ADDRESS}@`));
    await storer.createUser(aUser("cleo"));
    for (let round = 1; round <= 3; round += 1) {
      await administrate("/v3/auth/user/add", { name: `somebody-${round}`, password: "x" });
      await administrate("/v3/auth/user/changepw", { name: "app", password: PASSWORD });
      expect(await storer.advanceEpoch("pid-cleo")).toBe(round);
    }
  });

  it("refuses us with another password: a ConfigError at the start, and unavailable later, until it is the right one again", async () => {
    const storer = await open(addressOf(`app:${IN_ADDRESS}@`));
    await storer.createUser(aUser("dan"));
    await administrate("/v3/auth/user/changepw", { name: "app", password: "another" });
    const failure = storer.load("pid-dan");
    await expect(failure).rejects.toMatchObject({ code: "CASTELLAN_UNAVAILABLE", status: 503 });
    await expect(storer.ready()).rejects.toThrow(ConfigError);
    await expect(storer.ready()).rejects.toThrow(/knows no such user with this password/);
    await administrate("/v3/auth/user/changepw", { name: "app", password: PASSWORD });
    await storer.ready();
    expect(await storer.load("pid-dan")).not.toBeNull();
  });

  it.each([
    ["without user and password", "", "app", /put user and password into the address/],
    ["with a user that it does not know", "nobody:nothing@", "app", /knows no such user/],
    ["with a user that may only read", "reader:reader@", "app", /readwrite/],
    ["with a prefix that is not the user's", `app:${IN_ADDRESS}@`, "other", /grant its role `readwrite` on the prefix/],
  ])("refuses an address %s at the start, and the message holds no password", async (_, credentials, prefix, message) => {
    const storer = await open(addressOf(credentials, prefix));
    const failure: unknown = await storer.ready().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(String(failure)).toMatch(message);
    for (const secret of [PASSWORD, IN_ADDRESS, "nothing", "reader:"]) expect(String(failure)).not.toContain(secret);
    await expect(storer.createUser(aUser("eve"))).rejects.toMatchObject({ code: "CASTELLAN_UNAVAILABLE" });
  });
});

describe.skipIf(withoutEtcd)("a server that lets everybody in", () => {
  it("is no place for a user and a password: whoever writes them believes that it asks for them", async () => {
    const server = await newServer();
    onTestFinished(() => server.end());
    const storer = await open(server.uri.replace("://", "://app:pw@"));
    await expect(storer.ready()).rejects.toThrow(/enable its authentication/);
  });
});

describe.skipIf(withoutEtcd)("a server with TLS", () => {
  let server: EtcdServer;
  let folder: string;
  const fileOf = (name: string): string => join(folder, name);
  beforeAll(async () => {
    if (withoutEtcd) return;
    folder = await mkdtemp(join(tmpdir(), "storer-etcd-tls-"));
    for (const name of ["server", "stranger"]) {
      const { cert, private: key } = await generate([{ name: "commonName", value: "etcd" }], {
        extensions: [
          { name: "basicConstraints", cA: true },
          {
            name: "subjectAltName",
            altNames: [
              { type: 2, value: "localhost" },
              { type: 7, ip: "127.0.0.1" },
            ],
          },
        ],
      });
      await writeFile(fileOf(`${name}.pem`), cert);
      await writeFile(fileOf(`${name}.key`), key, { mode: 0o600 });
    }
    server = await newServer({ tls: { cert: fileOf("server.pem"), key: fileOf("server.key") } });
  });
  afterAll(async () => {
    await server?.end();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const unavailable = { code: "CASTELLAN_UNAVAILABLE", status: 503 };

  it("is believed with a certificate that the address names, by name and by number, and keeps everything", async () => {
    for (const [index, host] of ["localhost", "127.0.0.1"].entries()) {
      const storer = await open(`etcds://${host}:${server.port}/app?sslrootcert=${encodeURIComponent(fileOf("server.pem"))}`);
      await storer.ready();
      expect(await storer.createUser(aUser("ann"))).toBe(index === 0);
      const epochs = await Promise.all(Array.from({ length: 50 }, () => storer.advanceEpoch("pid-ann")));
      expect(new Set(epochs).size).toBe(50);
    }
  });

  it("is not believed with the certificates that come with Node, nor with a stranger's", async () => {
    for (const query of ["", `?sslrootcert=${encodeURIComponent(fileOf("stranger.pem"))}`]) {
      const storer = await open(`etcds://localhost:${server.port}/app${query}`);
      await expect(storer.ready()).rejects.toMatchObject({
        ...unavailable,
        message: expect.stringMatching(/self-signed certificate|unable to verify|signature/),
      });
      await expect(storer.load("pid-ann")).rejects.toMatchObject(unavailable);
    }
  });

  it("does not speak without it, and is not spoken to with it where it has none", async () => {
    const bare = await open(`etcd://127.0.0.1:${server.port}`);
    await expect(bare.load("pid-ann")).rejects.toMatchObject(unavailable);
    const plain = await newServer();
    onTestFinished(() => plain.end());
    const encrypted = await open(plain.uri.replace("etcd:", "etcds:"));
    await expect(encrypted.load("pid-ann")).rejects.toMatchObject(unavailable);
  });

  it("may ask for a certificate of ours, which the address names too", async () => {
    const strict = await newServer({
      tls: { cert: fileOf("server.pem"), key: fileOf("server.key") },
      flags: ["--client-cert-auth", "--trusted-ca-file", fileOf("server.pem")],
    });
    onTestFinished(() => strict.end());
    const authority = `etcds://localhost:${strict.port}?sslrootcert=${encodeURIComponent(fileOf("server.pem"))}`;
    const known = await open(
      `${authority}&sslcert=${encodeURIComponent(fileOf("server.pem"))}&sslkey=${encodeURIComponent(fileOf("server.key"))}`,
    );
    await known.ready();
    expect(await known.createUser(aUser("ann"))).toBe(true);
    await expect((await open(authority)).load("pid-ann")).rejects.toMatchObject(unavailable);
  });

  it("is not asked for at all where a file cannot be read: the mistake is ours", async () => {
    const failure = etcd(`etcds://localhost:${server.port}?sslrootcert=${encodeURIComponent(fileOf("missing.pem"))}`);
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(/sslrootcert cannot be read: ENOENT/);
  });
});
