/** A thread that hashes passwords, one job at a time. @module */
import { getPriority, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import type { Answer, Job } from "./job.ts";
import type { Comparison, Making } from "./scheme.ts";

/** Behind everything else that the machine does: others keep their response times while many people sign in. */
const NICENESS = 10;

class Missing extends Error {}

const importing = async <M>(name: string, load: () => Promise<M>): Promise<M> => {
  try {
    return await load();
  } catch {
    throw new Missing(name);
  }
};
// Loaded here and not at the top: an application needs only the scheme that its hashes are of.
const loadBcrypt = () => importing("bcrypt", () => import("bcrypt"));
const loadArgon2 = () => importing("@node-rs/argon2", () => import("@node-rs/argon2"));

async function hash(password: Buffer, making: Making): Promise<string> {
  if (making.scheme === "bcrypt") return (await loadBcrypt()).default.hashSync(password, making.cost);
  // Argon2id, version 19, a salt of 16 bytes and a hash of 32 are that package's defaults.
  const { memory: memoryCost, passes: timeCost, parallelism } = making;
  return (await loadArgon2()).hashSync(password, { memoryCost, timeCost, parallelism });
}

async function matches(password: Buffer, comparison: Comparison): Promise<boolean> {
  if (comparison.scheme === "bcrypt") return (await loadBcrypt()).default.compareSync(password, comparison.hash);
  return (await loadArgon2()).verifySync(comparison.hash, password);
}

async function verify(password: Buffer, comparisons: readonly Comparison[]): Promise<boolean> {
  const results: boolean[] = [];
  for (const comparison of comparisons) results.push(await matches(password, comparison));
  return results[0] ?? false;
}

async function answer(job: Job): Promise<Answer> {
  const password = Buffer.from(job.password.buffer, job.password.byteOffset, job.password.byteLength);
  try {
    return { value: await (job.kind === "hash" ? hash(password, job.making) : verify(password, job.comparisons)) };
  } catch (error) {
    if (error instanceof Missing) return { missing: error.message };
    return { failed: error instanceof Error ? error.message : "unknown" };
  } finally {
    password.fill(0);
  }
}

function stepBack(): void {
  // On Linux a priority belongs to a thread; elsewhere this would slow the whole process down.
  if (process.platform !== "linux") return;
  try {
    if (getPriority(0) < NICENESS) setPriority(0, NICENESS);
  } catch {
    // A sandbox may forbid it. Hashing works as well without.
  }
}

const port = parentPort;
if (port) {
  stepBack();
  port.on("message", async (job: Job) => port.postMessage(await answer(job)));
}
