// @ts-check
/**
 * Checks that the packages depend on each other the way ARCHITECTURE.md says, and a few habits that no linter knows. Prints every problem with its mend.
 * `node scripts/arrows.mjs` @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { codeOnly, importsOf, lineAt, packageOf } from "./source.mjs";

const SCOPE = "@castellan/";
const LONGEST_FILE = 400;

/** Second factors: the only features that may lean on another one. */
const FACTORS = new Set(["totp", "sms", "webauthn"]);

/** Slow to load or large: only for those who use them, and then. */
const HEAVY = new Set([
  "nodemailer",
  "twilio",
  "@node-rs/argon2",
  "node:sqlite",
  "@photostructure/sqlite",
  "pg",
  "mysql2",
  "mongodb",
  "ioredis",
  "redis",
  "etcd3",
  "openid-client",
  "@simplewebauthn/server",
  "libphonenumber-js",
  "qrcode",
]);

/** The places that may ask the machine for the time or for chance. */
const SOURCES_OF_TIME_AND_CHANCE = new Set(["packages/core/src/time.ts", "packages/core/src/random.ts"]);
const TIME_AND_CHANCE = /\bnew Date\(\s*\)|\bnew Date\b(?!\s*\()|\bDate\.now\b|\bMath\.random\b/g;

/**
 * Which of our packages one of them may import, by folder name.
 * @param {string} folder
 */
function allowedFor(folder) {
  if (folder === "core") return { ours: [], why: "core imports no package of ours: a seam or a channel lets others in" };
  if (folder === "castellan") return { ours: ["core", "defaults"], why: "the package castellan is core with its seams filled by defaults" };
  if (folder === "testkit") return { ours: ["core", "storer-file"], why: "the testkit's storer in memory is storer-file without the file" };
  if (folder === "defaults" || folder.startsWith("storer-"))
    return { ours: ["core"], why: `${folder} fills seams of core and imports nothing else of ours` };
  if (FACTORS.has(folder)) return { ours: ["core", "twofactor"], why: "a factor imports core and twofactor" };
  return {
    ours: ["core"],
    why: "a feature imports core and nothing else of ours: move what two features share to core, or make it an event",
  };
}

/** @param {string} file */
const json = (file) => JSON.parse(readFileSync(file, "utf8"));

/** @param {string} folder @param {(name: string) => boolean} wanted @returns {string[]} */
function filesIn(folder, wanted) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !name.split(/[\\/]/).includes("node_modules") && wanted(name))
    .map((name) => join(folder, name))
    .sort();
}

/** @param {string} name */
const folderOf = (name) => (name.startsWith(SCOPE) ? name.slice(SCOPE.length) : name);

/** @param {readonly string[]} names */
const list = (names) => (names.length === 0 ? "nothing" : names.join(", "));

/**
 * Everything that is wrong in the workspace at `root`, each as one sentence with its mend.
 * @param {string} root
 * @returns {string[]}
 */
export function problemsOfArrows(root) {
  const folders = readdirSync(join(root, "packages")).filter((name) => existsSync(join(root, "packages", name, "package.json")));
  const ours = new Set(folders);
  /** @param {string} name */
  const isOurs = (name) => ours.has(folderOf(name)) && (name.startsWith(SCOPE) || name === "castellan");
  const problems = folders.flatMap((folder) => problemsOfPackage(root, folder, isOurs));

  const built = (json(join(root, "tsconfig.json")).references ?? []).map((/** @type {{ path: string }} */ { path }) => path);
  for (const folder of folders) {
    if (!built.includes(`packages/${folder}`))
      problems.push(`tsconfig.json does not build packages/${folder}: add { "path": "packages/${folder}" } to its references`);
  }
  return problems;
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {(name: string) => boolean} isOurs
 */
function problemsOfPackage(root, folder, isOurs) {
  const home = join(root, "packages", folder);
  const place = `packages/${folder}`;
  /** @type {string[]} */
  const problems = [];
  const manifest = json(join(home, "package.json"));
  const { dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = manifest;
  const declared = new Set(Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies }));

  const { imported, found } = problemsOfSource(root, folder, declared, isOurs);
  problems.push(...found);

  // What is imported, what package.json says and what the compiler is told are one list, written three times.
  const oursImported = [...imported].filter(isOurs).map(folderOf).sort();
  const oursDeclared = Object.keys(dependencies).filter(isOurs).map(folderOf).sort();
  if (list(oursImported) !== list(oursDeclared))
    problems.push(
      `${place}/package.json lists ${list(oursDeclared)} of ours under dependencies, but src imports ${list(oursImported)}: make the two equal`,
    );
  const { references = [] } = json(join(home, "tsconfig.json"));
  const referenced = references.map((/** @type {{ path: string }} */ { path }) => path.replace(/^\.\.\//, "")).sort();
  if (list(referenced) !== list(oursDeclared))
    problems.push(
      `${place}/tsconfig.json references ${list(referenced)}, but package.json depends on ${list(oursDeclared)}: make the two equal`,
    );
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (!imported.has(name) && !isOurs(name) && !name.startsWith("@types/"))
      problems.push(`${place}/package.json lists ${name}, but src does not import it: remove it`);
  }
  for (const [name, version] of Object.entries(dependencies).filter(([name]) => isOurs(name))) {
    const own = json(join(root, "packages", folderOf(name), "package.json")).version;
    if (version !== own)
      problems.push(`${place}/package.json wants ${name} ${version}, but here is ${own}: our packages go together, write ${own}`);
  }

  return [...problems, ...problemsOfHouse(root, folder, manifest)];
}

/**
 * What belongs to every package besides its code.
 * @param {string} root
 * @param {string} folder
 * @param {{ description?: string, license?: string, keywords?: string[] }} manifest
 */
function problemsOfHouse(root, folder, manifest) {
  const home = join(root, "packages", folder);
  const place = `packages/${folder}`;
  /** @type {string[]} */
  const problems = [];
  if (!existsSync(join(home, "README.md"))) problems.push(`${place} has no README.md: say what it is, with its options`);
  if (filesIn(join(home, "test"), (name) => /\.test\.ts$/.test(name)).length === 0)
    problems.push(`${place} has no tests: add ${place}/test/${folder}.test.ts`);
  const license = existsSync(join(home, "LICENSE")) ? readFileSync(join(home, "LICENSE"), "utf8") : "";
  if (license !== readFileSync(join(root, "LICENSE"), "utf8"))
    problems.push(`${place}/LICENSE is not the one of the project: cp LICENSE ${place}/`);
  if (!manifest.description || manifest.license !== "MIT" || !manifest.keywords?.length)
    problems.push(`${place}/package.json needs a description, keywords, and "license": "MIT"`);
  return problems;
}

/**
 * @param {string} root
 * @param {string} folder
 * @param {ReadonlySet<string>} declared
 * @param {(name: string) => boolean} isOurs
 */
function problemsOfSource(root, folder, declared, isOurs) {
  const { ours, why } = allowedFor(folder);
  /** @type {Set<string>} */
  const imported = new Set();
  /** @type {string[]} */
  const found = [];
  for (const file of filesIn(join(root, "packages", folder, "src"), (name) => name.endsWith(".ts"))) {
    const place = relative(root, file).replaceAll("\\", "/");
    const text = readFileSync(file, "utf8");
    const lines = text.split("\n").length - 1;
    if (lines > LONGEST_FILE) found.push(`${place} has ${lines} lines: split it by what its parts are about (at most ${LONGEST_FILE})`);
    // A package whose name is a value is loaded by that value.
    for (const name of declared) if (!isOurs(name) && text.includes(`"${name}"`)) imported.add(name);
    for (const { from, kind, line } of importsOf(text)) {
      if (HEAVY.has(from) && kind === "static")
        found.push(`${place}:${line} loads ${from} with the file: use \`await import("${from}")\` where it is first needed`);
      const name = packageOf(from);
      if (from.startsWith("..") && !join(file, "..", from).startsWith(join(root, "packages", folder, "src")))
        found.push(`${place}:${line} imports ${from} from outside its package's src: import the package by its name`);
      if (name === null) continue;
      imported.add(name);
      if (isOurs(name) && !ours.includes(folderOf(name))) found.push(`${place}:${line} imports ${name}: ${why}`);
      if (!isOurs(name) && !declared.has(name))
        found.push(`${place}:${line} imports ${name}, which packages/${folder}/package.json does not list: add it there`);
      if (name === "express" && kind !== "type" && folder === "core" && !place.startsWith("packages/core/src/http/"))
        found.push(`${place}:${line} loads express: only core/src/http touches Express; write \`import type\` for its types`);
    }
    if (!SOURCES_OF_TIME_AND_CHANCE.has(place)) {
      const code = codeOnly(text);
      for (const { 0: what, index } of code.matchAll(TIME_AND_CHANCE))
        found.push(
          `${place}:${lineAt(code, index)} asks the machine (${what}): take time from \`clock\` and chance from \`random\`, so that tests decide`,
        );
    }
  }
  return { imported, found };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = problemsOfArrows(fileURLToPath(new URL("..", import.meta.url)));
  for (const problem of problems) console.error(`- ${problem}`);
  console.log(
    problems.length === 0 ? "arrows: every package depends on what it may, and has what it needs" : `arrows: ${problems.length} to mend`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
