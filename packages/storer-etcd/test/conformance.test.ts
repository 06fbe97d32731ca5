import { type EtcdStorer, etcd } from "@castellan/storer-etcd";
import { conformance } from "@castellan/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type EtcdServer, newServer, withoutEtcd } from "./support/servers.ts";

/** How many processes share the store. */
const SHARERS = 3;

type Call = (...args: unknown[]) => unknown;

/** Several storers as one: each call goes to the next of them, as a balancer spreads requests over processes. What they know, they know from etcd; and who is first among them, etcd alone decides. */
async function sharedStorer(uri: string): Promise<EtcdStorer> {
  const storers = await Promise.all(Array.from({ length: SHARERS }, () => etcd(uri)));
  const [first] = storers;
  if (!first) throw new Error("there are storers");
  let calls = 0;
  const shared = Object.entries(first).map(([name, member]): [string, unknown] => {
    if (typeof member !== "function") return [name, member];
    const callOf = (storer: object): Call => Reflect.get(storer, name);
    if (name === "close") return [name, async () => void (await Promise.all(storers.map((storer) => callOf(storer)())))];
    return [
      name,
      (...args: unknown[]) => {
        calls += 1;
        return callOf(storers[calls % SHARERS] ?? first)(...args);
      },
    ];
  });
  // The same names with functions of the same parameters and answers.
  return Object.fromEntries(shared) as unknown as EtcdStorer;
}

describe.skipIf(withoutEtcd)("etcd, shared by three processes", () => {
  let server: EtcdServer;
  let cases = 0;
  beforeAll(async () => {
    server = await newServer();
  });
  afterAll(() => server?.end());

  conformance<EtcdStorer>(
    {
      // One server for all cases: each works in a prefix of its own.
      make: () => sharedStorer(`${server.uri}/case-${cases++}`),
      removeUser: async (storer, pid) => {
        await storer.removeUser(pid);
      },
    },
    { describe, it },
  );
});
