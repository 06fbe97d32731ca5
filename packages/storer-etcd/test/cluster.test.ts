/** Several servers in one address: one of them may be away, frozen, or without its fellows. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { seconds } from "@castellan/core";
import { etcd } from "@castellan/storer-etcd";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { aSignIn, at, aUser, newPrefix } from "./support/rows.ts";
import { type EtcdServer, freePort, newCluster, withoutEtcd } from "./support/servers.ts";

let servers: readonly EtcdServer[];
beforeAll(async () => {
  if (!withoutEtcd) servers = await newCluster();
});
afterAll(async () => {
  await Promise.all((servers ?? []).map((server) => server.end()));
});

const unavailable = { code: "CASTELLAN_UNAVAILABLE" };

const addressOf = (...ports: readonly number[]): string => `etcd://${ports.map((port) => `127.0.0.1:${port}`).join(",")}/${newPrefix()}`;

/** A server in front of a server, which hands everything on, and loses the answers to those requests that it is told to lose. */
async function newLossy(port: number, isLost: (path: string, body: string) => boolean): Promise<number> {
  const lossy = createServer((incoming, outgoing) => {
    const answer = async () => {
      const body = await buffer(incoming);
      const { url = "", method, headers } = incoming;
      const forward = request({ host: "127.0.0.1", port, path: url, method, headers }).end(body);
      const [reply] = await once(forward, "response");
      const text = await buffer(reply);
      if (isLost(url, body.toString("utf8"))) incoming.socket.destroy();
      else outgoing.writeHead(reply.statusCode, { "content-type": "application/json" }).end(text);
    };
    answer().catch(() => incoming.socket.destroy());
  });
  lossy.listen(0, "127.0.0.1");
  await once(lossy, "listening");
  onTestFinished(() => {
    lossy.close();
    lossy.closeAllConnections();
  });
  const address = lossy.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** By the moment when all can be asked again. */
async function untilAnswered(work: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (tries === 1000) throw error;
    }
  }
}

describe.skipIf(withoutEtcd)("several servers in one address", () => {
  it("are asked one after another until one is there; those that are away cost one look each, once", async () => {
    const [first] = servers;
    if (!first) throw new Error("there are servers");
    const storer = await etcd(addressOf(await freePort(), await freePort(), first.port));
    onTestFinished(() => storer.close());
    await storer.ready();
    expect(await storer.createUser(aUser("ann"))).toBe(true);
    expect(await storer.advanceEpoch("pid-ann")).toBe(1);
  });

  it("have one memory: what was acknowledged by one of them is what the next one answers", async () => {
    const prefix = newPrefix();
    const storers = await Promise.all(servers.map(({ uri }) => etcd(`${uri}/${prefix}`)));
    onTestFinished(async () => {
      await Promise.all(storers.map((storer) => storer.close()));
    });
    const [one] = storers;
    if (!one) throw new Error("there are storers");
    await one.createUser(aUser("ann"));
    for (let epoch = 1; epoch <= 10; epoch += 1) {
      for (const storer of storers) expect((await storer.load("pid-ann"))?.epoch).toBe(epoch - 1);
      await one.advanceEpoch("pid-ann");
    }
    await one.createSignIn("key", aSignIn("ann", { epoch: 10 }));
    const ended = await Promise.all(storers.map((storer) => storer.endSignIn("key")));
    expect(ended.filter(Boolean)).toHaveLength(1);
    for (const storer of storers) expect(await storer.findSignIn("key", at(0))).toBeNull();
  });

  it("go on when one of them is killed, whichever it is, and take it in again", async () => {
    const storer = await etcd({ uri: addressOf(...servers.map(({ port }) => port)), timeout: seconds(2) });
    onTestFinished(() => storer.close());
    await storer.createUser(aUser("ann"));
    let epoch = 0;
    for (const server of servers) {
      await server.stop();
      // Where it was the leader, there is none for a moment: what is asked then is unavailable, or done.
      await untilAnswered(async () => {
        await storer.advanceEpoch("pid-ann");
      });
      const now = (await storer.load("pid-ann"))?.epoch ?? 0;
      expect(now).toBeGreaterThan(epoch);
      epoch = now;
      await server.start();
    }
    await untilAnswered(() => storer.advanceEpoch("pid-ann"));
  });

  it("answer a read although the first of them is frozen, after the time that one request may take", async () => {
    const [first, second] = servers;
    if (!first || !second) throw new Error("there are servers");
    const storer = await etcd({ uri: addressOf(first.port, second.port), timeout: seconds(0.5) });
    onTestFinished(() => storer.close());
    await untilAnswered(() => storer.createUser(aUser("ann")));
    await first.freeze();
    try {
      await untilAnswered(() => storer.load("pid-ann"));
      expect(await storer.load("pid-ann")).toMatchObject({ login: "ann" });
    } finally {
      first.wake();
    }
  });

  it("say nothing where most of them are away: the one that is left does not answer from what it remembers", async () => {
    const storer = await etcd({ uri: addressOf(...servers.map(({ port }) => port)), timeout: seconds(0.5) });
    onTestFinished(() => storer.close());
    await untilAnswered(() => storer.createUser(aUser("ann")));
    const [, ...others] = servers;
    await Promise.all(others.map((server) => server.stop()));
    await expect(storer.load("pid-ann")).rejects.toMatchObject(unavailable);
    await expect(storer.findSignIn("key", at(0))).rejects.toMatchObject(unavailable);
    await expect(storer.advanceEpoch("pid-ann")).rejects.toMatchObject(unavailable);
    await Promise.all(others.map((server) => server.start()));
    await untilAnswered(() => storer.load("pid-ann"));
    expect(await storer.load("pid-ann")).toMatchObject({ login: "ann" });
  });
});

describe.skipIf(withoutEtcd)("an answer that is lost", () => {
  const isWrite = (_: string, body: string) => body.includes("requestPut");

  it("to a write is a failure, and never asked for elsewhere: it may be done, and is done once", async () => {
    const [first] = servers;
    if (!first) throw new Error("there are servers");
    let lost = 0;
    const lossy = await newLossy(first.port, (path, body) => {
      const isLost = isWrite(path, body) && lost === 0 && body.includes('"mod_revision"');
      if (isLost) lost += 1;
      return isLost;
    });
    const prefix = newPrefix();
    const direct = await etcd(`${first.uri}/${prefix}`);
    await direct.createUser(aUser("ann"));
    // One connection, which the agent hands on from one request to the next.
    const storer = await etcd({ uri: `etcd://127.0.0.1:${lossy},127.0.0.1:${first.port}/${prefix}`, connections: 1 });
    onTestFinished(async () => {
      await Promise.all([direct.close(), storer.close()]);
    });
    const [loaded, advanced] = await Promise.allSettled([storer.load("pid-ann"), storer.advanceEpoch("pid-ann"), storer.load("pid-ann")]);
    expect(loaded).toMatchObject({ status: "fulfilled" });
    expect(advanced).toMatchObject({ status: "rejected", reason: unavailable });
    expect(lost).toBe(1);
    expect((await direct.load("pid-ann"))?.epoch).toBe(1);
    // And goes on with the next server.
    expect(await storer.advanceEpoch("pid-ann")).toBe(2);
  });

  it("to a read is asked for once more, also where there is one server only", async () => {
    const [first] = servers;
    if (!first) throw new Error("there are servers");
    let asked = 0;
    const lossy = await newLossy(first.port, (path, body) => {
      if (path !== "/v3/kv/txn" || isWrite(path, body)) return false;
      asked += 1;
      return asked === 1;
    });
    const storer = await etcd(`etcd://127.0.0.1:${lossy}/${newPrefix()}`);
    onTestFinished(() => storer.close());
    expect(await storer.load("pid-ann")).toBeNull();
    expect(asked).toBe(2);
  });
});
