import { strict as assert } from "node:assert";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Random } from "@castellan/core";
import { afterAll, describe, it } from "vitest";
import { argon2id, bcrypt, bcryptHasher, HashLane, type HashJob as Job, passwordHasher } from "../dist/passwords/index.js";
import { answeringThreads } from "./password-threads.ts";

const lane = new HashLane({ threads: 2 });
afterAll(() => lane.close());

const hasher = bcryptHasher({ cost: 10, lane });
/** Made by jBCrypt, for "abc". */
const ABC = "$2a$10$WvvTPHKwdBJ3uk0Z37EMR.hLA2W6N9AEBhEgrAOljy2Ae5MtaSIUi";
/** Made by the reference implementation of Argon2, for "password". */
const ARGON2_PASSWORD = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

const countingRandom = (): Random => {
  let calls = 0;
  return {
    bytes(count) {
      calls += 1;
      return Uint8Array.from({ length: count }, (_, place) => (calls * 37 + place * 11) % 256);
    },
  };
};

describe("bcrypt", () => {
  it("hashes with a new salt each time, and each hash takes its password and no other", async () => {
    const [one, two] = await Promise.all([hasher.hash("correct horse"), hasher.hash("correct horse")]);
    assert.match(one, /^\$2b\$10\$[./A-Za-z0-9]{53}$/);
    assert.notEqual(one, two);
    assert.equal(await hasher.verify("correct horse", one), true);
    assert.equal(await hasher.verify("correct horse", two), true);
    assert.equal(await hasher.verify("Correct horse", one), false);
  });

  it("R66 compares passwords exactly: no trimming, no folding, no Unicode change", async () => {
    const hash = await hasher.hash(" caf\u00e9 ");
    const near = ["caf\u00e9", " CAF\u00c9 ", " cafe\u0301 ", " caf\u00e9", " \uff43\uff41\uff46\u00e9 "];
    assert.deepEqual(
      await Promise.all(near.map((password) => hasher.verify(password, hash))),
      near.map(() => false),
    );
    assert.equal(await hasher.verify(" caf\u00e9 ", hash), true);
  });

  it("reads the hashes of others, $2a$ and PHP's $2y$ alike", async () => {
    assert.equal(await hasher.verify("abc", ABC), true);
    assert.equal(await hasher.verify("abc", ABC.replace("$2a", "$2y")), true);
    assert.equal(await hasher.verify("abd", ABC.replace("$2a", "$2y")), false);
    assert.equal(hasher.isOutdated(ABC), false);
  });

  it("R61 refuses more than 72 bytes, however many characters that are, and takes 72 to the last", async () => {
    assert.equal(hasher.unhashable("x".repeat(72)), null);
    assert.equal(hasher.unhashable("x".repeat(73)), "password_too_long");
    assert.equal(hasher.unhashable("é".repeat(36)), null);
    assert.equal(hasher.unhashable("é".repeat(37)), "password_too_long");
    await assert.rejects(hasher.hash("x".repeat(73)), RangeError);
    const hash = await hasher.hash("x".repeat(72));
    assert.equal(await hasher.verify(`${"x".repeat(71)}y`, hash), false);
    assert.equal(await hasher.verify("x".repeat(72), hash), true);
    assert.equal(await hasher.verify("x".repeat(73), hash), false);
    assert.equal(await hasher.verify("x".repeat(72 + 256), hash), false);
  });

  it("R63 refuses NUL, and a hash is not opened by what stands before one", async () => {
    assert.equal(hasher.unhashable("abc\0def"), "password_has_nul");
    await assert.rejects(hasher.hash("abc\0def"), RangeError);
    assert.equal(await hasher.verify("abc\0def", ABC), false);
    assert.equal(await hasher.verify("abc\0", ABC), false);
  });

  it("R68 R65 matches nothing with a hash that is malformed, truncated, of another scheme, or of a cost out of bounds", async () => {
    const at = (cost: string): string => ABC.replace("$10$", `$${cost}$`);
    const hashes = [at("31"), at("04"), at("09"), at("17"), at("99"), at("00"), ABC.replace("$2a", "$2x"), ABC.replace("$2a", "$2")];
    hashes.push(ABC.slice(0, -1), `${ABC}x`, `${ABC}\n`, ABC.slice(0, 29), "", "!", "abc", "$2a$10$", "$1$salt$5cdJ8w5vj8BnBZcSjXNmt1");
    for (const hash of hashes) assert.equal(await hasher.verify("abc", hash), false, hash);
    for (const hash of hashes) assert.equal(hasher.isOutdated(hash), true, hash);
  });

  it("says that a hash of another cost is outdated, higher or lower", () => {
    const at12 = bcryptHasher({ lane });
    assert.equal(at12.isOutdated(ABC), true);
    assert.equal(at12.isOutdated(at12.decoy), false);
    assert.equal(hasher.isOutdated(at12.decoy), true);
  });

  it("takes a cost from 10 to 15 and nothing else", () => {
    for (const cost of [9, 16, 31, 10.5, Number.NaN]) assert.throws(() => bcrypt({ cost }), RangeError);
    for (const cost of [10, 15]) assert.doesNotThrow(() => bcrypt({ cost }));
  });
});

describe("the decoy", () => {
  it("is a hash like any other, new in each process, and no password matches it", async () => {
    assert.match(hasher.decoy, /^\$2b\$10\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[./A-Za-z0-9]$/);
    assert.notEqual(hasher.decoy, bcryptHasher({ cost: 10, lane }).decoy);
    for (const password of ["", "decoy", "password", hasher.decoy]) assert.equal(await hasher.verify(password, hasher.decoy), false);
  });

  it("is the same from the same chance", () => {
    const made = () => bcryptHasher({ lane, random: countingRandom() }).decoy;
    assert.equal(made(), made());
  });
});

/** How many rounds of bcrypt a job asks for. */
const roundsOf = (job: Job): number => {
  assert.equal(job.kind, "verify");
  if (job.kind !== "verify") return 0;
  return job.comparisons.reduce((sum, { hash }) => sum + 2 ** Number(hash.split("$")[2]), 0);
};

describe("the work of a check", () => {
  const recording = () => {
    const { jobs, start } = answeringThreads(() => ({ value: true }));
    const recorded = passwordHasher({ use: bcrypt({ cost: 13 }), lane: new HashLane({ threads: 1, start }) });
    return { jobs, recorded };
  };

  it("is that of the current cost, whatever lower cost the hash has", async () => {
    for (const cost of [10, 11, 12, 13]) {
      const { jobs, recorded } = recording();
      assert.equal(await recorded.verify("abc", ABC.replace("$10$", `$${cost}$`)), true);
      assert.deepEqual(jobs.map(roundsOf), [2 ** 13]);
    }
  });

  it("is the same for a password that could not have been hashed, for a broken hash, and for nobody; none of them matches", async () => {
    const { jobs, recorded } = recording();
    const tooLong = "x".repeat(2000);
    const verdicts = [
      await recorded.verify(tooLong, ABC),
      await recorded.verify("nul\0", ABC),
      await recorded.verify("abc", "broken"),
      await recorded.verify("abc", ARGON2_PASSWORD),
      await recorded.verify(tooLong, recorded.decoy),
    ];
    assert.deepEqual(verdicts, [false, false, false, false, false]);
    assert.deepEqual(jobs.map(roundsOf), new Array(5).fill(2 ** 13));
    assert.ok(jobs.every(({ password }) => password.length <= 1024));
  });

  it("is done also after the first comparison has matched", async () => {
    const answer = await lane.run({
      kind: "verify",
      password: new TextEncoder().encode("abc"),
      // The second one cannot be compared: only who tries it fails.
      comparisons: [
        { scheme: "bcrypt", hash: ABC },
        { scheme: "argon2id", hash: "broken" },
      ],
    });
    assert.ok("failed" in answer);
  });
});

describe("argon2id", () => {
  const argon = passwordHasher({ use: argon2id(), also: [bcrypt({ cost: 10 })], lane });

  it("hashes and verifies, NUL and 1024 bytes included", async () => {
    const password = `a\0${"x".repeat(1022)}`;
    const hash = await argon.hash(password);
    assert.match(hash, /^\$argon2id\$v=19\$m=47104,t=1,p=1\$/);
    assert.equal(await argon.verify(password, hash), true);
    assert.equal(await argon.verify(password.slice(0, -1), hash), false);
    assert.equal(await argon.verify("a", hash), false);
    assert.equal(argon.unhashable(`${password}x`), "password_too_long");
    assert.equal(argon.isOutdated(hash), false);
  });

  it("reads the reference implementation's hash, and calls other parameters outdated", async () => {
    assert.equal(await argon.verify("password", ARGON2_PASSWORD), true);
    assert.equal(await argon.verify("Password", ARGON2_PASSWORD), false);
    assert.equal(argon.isOutdated(ARGON2_PASSWORD), true);
  });

  it("has a decoy that nothing matches", async () => {
    assert.equal(argon.isOutdated(argon.decoy), false);
    assert.equal(await argon.verify("password", argon.decoy), false);
  });

  it("does not let a planted hash take all memory or all time", async () => {
    const planted = ["m=4194304,t=1,p=1", "m=65536,t=99,p=1", "m=262144,t=10,p=1", "m=65536,t=2,p=99", "m=8,t=1,p=1", "m=65536,t=0,p=1"];
    for (const parameters of planted) {
      assert.equal(argon2id().recognises(ARGON2_PASSWORD.replace("m=65536,t=2,p=1", parameters)), false, parameters);
    }
    for (const other of ["$argon2i$", "$argon2d$"])
      assert.equal(argon2id().recognises(ARGON2_PASSWORD.replace("$argon2id$", other)), false);
    assert.equal(argon2id().recognises(ARGON2_PASSWORD.replace("v=19", "v=16")), false);
  });

  it("refuses options that are too weak, too much, or no numbers", () => {
    const refused = [
      { memory: 19_456 },
      { memory: 4096, passes: 10 },
      { memory: 524_288 },
      { passes: 11 },
      { parallelism: 0 },
      { memory: 50_000.5 },
    ];
    for (const options of refused) assert.throws(() => argon2id(options), RangeError);
    assert.doesNotThrow(() => argon2id({ memory: 19_456, passes: 2 }));
  });

  it("makes up for a cheaper hash in memory times passes", () => {
    const scheme = argon2id({ memory: 65_536, passes: 3 });
    const cheap = ARGON2_PASSWORD.replace("m=65536,t=2", "m=19456,t=2");
    const work = scheme.comparisons(cheap, countingRandom()).map(({ hash }) => {
      assert.ok(scheme.recognises(hash));
      const [, memory, passes] = /m=(\d+),t=(\d+)/.exec(hash) ?? [];
      return Number(memory) * Number(passes);
    });
    assert.equal(
      work.reduce((sum, one) => sum + one, 0),
      65_536 * 3,
    );
  });
});

describe("a change of scheme", () => {
  it("keeps old hashes working and reports them as outdated", async () => {
    const argon = passwordHasher({ use: argon2id(), also: [bcrypt({ cost: 10 })], lane });
    assert.equal(await argon.verify("abc", ABC), true);
    assert.equal(await argon.verify("abcd", ABC), false);
    assert.equal(argon.isOutdated(ABC), true);
    assert.equal(await hasher.verify("password", ARGON2_PASSWORD), true);
    assert.equal(hasher.isOutdated(ARGON2_PASSWORD), true);
    // Each scheme keeps its own bounds: bcrypt never sees more than it can hash.
    assert.equal(await argon.verify("abc\0", ABC), false);
  });

  it("adds the work of a check for nobody to that of an old hash, so that it never answers sooner", async () => {
    const { jobs, start } = answeringThreads(() => ({ value: false }));
    await bcryptHasher({ lane: new HashLane({ threads: 1, start }) }).verify("abc", ARGON2_PASSWORD);
    const schemes = jobs.flatMap((job) => (job.kind === "verify" ? job.comparisons.map(({ scheme }) => scheme) : []));
    assert.deepEqual(schemes, ["argon2id", "bcrypt"]);
  });
});

it("a worker that stands alone says which package is missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "castellan-worker-"));
  const file = join(folder, "worker.mjs");
  copyFileSync(new URL("../dist/passwords/worker.js", import.meta.url), file);
  const worker = new Worker(file, { execArgv: [] });
  const answer = new Promise((resolve) => worker.once("message", resolve));
  worker.postMessage({
    kind: "hash",
    password: new Uint8Array(3),
    making: { scheme: "argon2id", memory: 47_104, passes: 1, parallelism: 1 },
  });
  assert.deepEqual(await answer, { missing: "@node-rs/argon2" });
  await worker.terminate();
  rmSync(folder, { recursive: true });
});
