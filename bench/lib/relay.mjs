/** Counts the round trips between a program and a database server: a relay that passes on every byte and looks at none. @module */
import { once } from "node:events";
import { connect, createServer } from "node:net";

const PORTS = new Map([
  ["postgres:", 5432],
  ["postgresql:", 5432],
  ["mysql:", 3306],
  ["mariadb:", 3306],
  ["redis:", 6379],
  ["etcd:", 2379],
  ["mongodb:", 27017],
]);

/**
 * A round trip is a question and the beginning of its answer, on one connection. While one visitor at a time asks for one page at a time, that is how often somebody waits.
 * @param {string} uri
 * @returns {Promise<{ uri: string, roundTrips: () => number, stop: () => Promise<void> } | null>} `null` for a database that is no server
 */
export async function relayTo(uri) {
  if (!URL.canParse(uri)) return null; // several hosts
  const url = new URL(uri);
  const port = Number(url.port) || PORTS.get(url.protocol);
  if (url.hostname === "" || port === undefined) return null;
  const host = url.hostname;
  let count = 0;
  const sockets = new Set();
  const relay = createServer((near) => {
    const far = connect(port, host);
    let isAsked = false;
    near.on("data", () => {
      isAsked = true;
    });
    far.on("data", () => {
      if (isAsked) count += 1;
      isAsked = false;
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => other.destroy()).on("close", () => sockets.delete(one));
    }
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(relay, "listening");
  url.hostname = "127.0.0.1";
  url.port = String(Object(relay.address()).port);
  return {
    uri: url.href,
    roundTrips: () => count,
    async stop() {
      relay.close();
      for (const socket of sockets) socket.destroy();
      await once(relay, "close");
    },
  };
}
