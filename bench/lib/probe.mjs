/**
 * Asks each of some pages at a steady rate, whether or not answers have come back, and counts each wait from the moment the request was due, so that a stall counts in
 * full. In a process of its own: `node probe.mjs RATE SECONDS URL…`, answers the waits in milliseconds, a list for each page. @module
 */
import { execFile } from "node:child_process";
import { Agent, get } from "node:http";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const program = fileURLToPath(import.meta.url);

/**
 * @param {readonly string[]} urls @param {{ rate: number, seconds: number }} settings
 * @returns {Promise<number[][]>}
 */
export async function probe(urls, { rate, seconds }) {
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(rate), String(seconds), ...urls]);
  return JSON.parse(stdout);
}

if (process.argv[1] === program) {
  try {
    setPriority(-10); // so that it is not the probe that waits
  } catch {
    // Only an administrator may. The control waits as long, then.
  }
  const [rate, seconds, ...urls] = process.argv.slice(2);
  const every = 1000 / (Number(rate) * urls.length);
  const total = Number(rate) * Number(seconds) * urls.length;
  const agent = new Agent({ keepAlive: true });
  const waits = urls.map(() => /** @type {number[]} */ ([]));
  const began = performance.now() + 50;
  let sent = 0;
  let left = total;

  const askOnce = (/** @type {number} */ turn, /** @type {number} */ due) => {
    get(urls[turn] ?? "", { agent }, (response) => {
      if (response.statusCode !== 200) throw new Error(`${urls[turn]} answered ${response.statusCode}`);
      response.resume().on("end", () => {
        waits[turn]?.push(performance.now() - due);
        left -= 1;
        if (left > 0) return;
        console.log(JSON.stringify(waits));
        agent.destroy();
      });
    });
  };
  const tick = () => {
    for (; sent < total && began + sent * every <= performance.now(); sent += 1) askOnce(sent % urls.length, began + sent * every);
    if (sent < total) setTimeout(tick, 1);
  };
  tick();
}
