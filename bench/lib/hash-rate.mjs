/**
 * How many password checks a second the machine can do with nothing else to do: cores ÷ time of one hash, with all cores busy. In a process of its own:
 * `node hash-rate.mjs COST COUNT`. @module
 */
import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import bcrypt from "bcrypt";

const program = fileURLToPath(import.meta.url);

/** @param {{ cost: number, count: number }} settings @returns {Promise<number>} checks a second */
export async function hashRate({ cost, count }) {
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(cost), String(count)]);
  return Number(stdout);
}

if (process.argv[1] === program) {
  const [cost, count] = process.argv.slice(2).map(Number);
  const hash = await bcrypt.hash("correct horse battery staple", cost ?? 10);
  let left = count ?? 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      while (left-- > 0) await bcrypt.compare("correct horse battery staple", hash);
    }),
  );
  console.log(((count ?? 0) * 1000) / (performance.now() - began));
}
