/** Keep-alive load in a process of its own, for machines without wrk: `node generator.mjs URL COOKIE SECONDS CONNECTIONS`. @module */
import { Agent, get } from "node:http";

const [url, cookie, seconds, connections] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
const headers = cookie ? { cookie } : {};

/** @returns {Promise<void>} */
const once = () =>
  new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      response.resume().on("end", resolve);
    }).on("error", reject);
  });

let requests = 0;
const began = performance.now();
const end = began + Number(seconds) * 1000;
await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    while (performance.now() < end) {
      await once();
      requests += 1;
    }
  }),
);
console.log(JSON.stringify({ requests, seconds: (performance.now() - began) / 1000 }));
agent.destroy();
