/** Storers on a server of the test, and sample rows for them. @module */
import { type EtcdOptions, type EtcdStorer, etcd } from "@castellan/storer-etcd";
import { onTestFinished } from "vitest";
import type { EtcdServer } from "./servers.ts";

export * from "../../../../test/support/sample-rows.ts";

/** A storer in a prefix of its own, closed when the test is over. */
export async function openStorer(server: Pick<EtcdServer, "uri">, options: Partial<EtcdOptions> = {}): Promise<EtcdStorer> {
  const storer = await etcd({ uri: `${server.uri}/${newPrefix()}`, ...options });
  onTestFinished(() => storer.close());
  return storer;
}

let prefixes = 0;

export const newPrefix = (): string => `test-${prefixes++}`;

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

/** What lies under a prefix, past the storer: keys without it, and the lease of each. */
export async function rowsIn(server: Pick<EtcdServer, "call">, prefix: string): Promise<ReadonlyMap<string, { readonly lease: string }>> {
  const { kvs = [] } = await server.call("/v3/kv/range", { key: base64(`${prefix}/`), range_end: base64(`${prefix}0`) });
  const entries = kvs as readonly { readonly key: string; readonly lease?: string }[]; // as etcd documents it
  return new Map(
    entries.map(({ key, lease = "0" }) => [
      Buffer.from(key, "base64")
        .toString("utf8")
        .slice(prefix.length + 1),
      { lease },
    ]),
  );
}

/** Writes under a key, past the storer. */
export const putPast = async (server: Pick<EtcdServer, "call">, key: string, value: string): Promise<void> => {
  await server.call("/v3/kv/put", { key: base64(key), value: base64(value) });
};
