// @ts-check
/**
 * Checks the documents against the code: links, commands, code blocks that show a file, option tables, and the two tables that are made from the code.
 * `node scripts/docs.mjs` compares; `node scripts/docs.mjs --write` writes the tables and the shown files. @module
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { optionsOf, withoutComments } from "./source.mjs";

const SKIPPED = new Set(["node_modules", "dist", ".git", ".nodes", "coverage", "screenshots"]);

/** @typedef {{ path: string, text: string, prose: string, blocks: { language: string, text: string, line: number }[] }} Document */

/** @param {string} root @param {(name: string) => boolean} wanted @returns {string[]} Paths from `root`, sorted. */
function walk(root, wanted, folder = "") {
  /** @type {string[]} */
  const found = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) found.push(...walk(root, wanted, path));
    else if (entry.isFile() && wanted(entry.name)) found.push(path);
  }
  return found.sort();
}

const FENCE = /^(```+)([^\n]*)\n([\s\S]*?)^\1[ \t]*$/gm;

/** @param {string} root @returns {Document[]} */
export function readDocuments(root) {
  return walk(root, (name) => name.endsWith(".md")).map((path) => {
    const text = readFileSync(join(root, path), "utf8").replaceAll("\r\n", "\n");
    const blocks = [...text.matchAll(FENCE)].map(({ 2: language = "", 3: body = "", index }) => ({
      language: language.trim(),
      text: body,
      line: text.slice(0, index).split("\n").length,
    }));
    return { path, text, prose: text.replaceAll(FENCE, ""), blocks };
  });
}

// Links ---------------------------------------------------------------------------------------------------------------

/** The anchor that a heading gets: lower case, punctuation away, spaces to hyphens. @param {string} heading */
export const anchorOf = (heading) =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");

/** @param {Document} document */
function anchorsIn({ prose }) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  /** @type {Set<string>} */
  const anchors = new Set();
  for (const { 1: heading = "" } of prose.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const anchor = anchorOf(heading);
    const count = seen.get(anchor) ?? 0;
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`);
    seen.set(anchor, count + 1);
  }
  return anchors;
}

/** @param {string} root @param {readonly Document[]} documents @returns {string[]} */
export function problemsOfLinks(root, documents) {
  const byPath = new Map(documents.map((document) => [document.path, document]));
  /** @type {string[]} */
  const problems = [];
  for (const document of documents) {
    const prose = document.prose.replaceAll(/`[^`\n]*`/g, "");
    for (const { 1: target = "" } of prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? document.path : relative(root, resolve(root, dirname(document.path), decodeURIComponent(path)));
      if (file.startsWith("..") || !existsSync(join(root, file))) {
        problems.push(`${document.path}: the link to ${target} leads nowhere`);
        continue;
      }
      const other = byPath.get(file);
      if (anchor !== undefined && other && !anchorsIn(other).has(anchor))
        problems.push(`${document.path}: ${file} has no heading #${anchor}`);
    }
  }
  return problems;
}

// Commands and files that are shown -----------------------------------------------------------------------------------

/** @param {string} file @returns {Record<string, string>} */
const scriptsOf = (file) => (existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")).scripts ?? {}) : {});

/** @param {string} root @param {readonly Document[]} documents @returns {string[]} */
export function problemsOfCommands(root, documents) {
  const atRoot = scriptsOf(join(root, "package.json"));
  return documents.flatMap(({ path, text }) => {
    const known = { ...atRoot, ...scriptsOf(join(root, dirname(path), "package.json")) };
    const named = new Set([...text.matchAll(/\bnpm run ([a-z][\w:-]*)/g)].map(({ 1: name = "" }) => name));
    return [...named].filter((name) => known[name] === undefined).map((name) => `${path}: there is no script for \`npm run ${name}\``);
  });
}

const SHOWN = /^(?:\/\/|#) ([\w./-]+\/[\w.-]+\.\w+)\n([\s\S]*)$/;

/**
 * A code block whose first line is a comment with a path shows that file: all of it, as it is.
 * @param {string} root @param {readonly Document[]} documents @param {boolean} [write] Copies the files into the blocks.
 * @returns {string[]}
 */
export function problemsOfShownFiles(root, documents, write = false) {
  /** @type {string[]} */
  const problems = [];
  for (const { path, text: whole, blocks } of documents) {
    let next = whole;
    for (const { text, line } of blocks) {
      const [, file, body = ""] = SHOWN.exec(text) ?? [];
      if (file === undefined) continue;
      if (!existsSync(join(root, file))) {
        problems.push(`${path}:${line} shows ${file}, which does not exist`);
        continue;
      }
      const content = readFileSync(join(root, file), "utf8").trim();
      if (content === body.trim()) continue;
      if (write) next = next.replace(text, () => `${text.split("\n", 1)[0]}\n${content}\n`);
      else problems.push(`${path}:${line} shows ${file}, but not as it is: run \`npm run docs -- --write\``);
    }
    if (next !== whole) {
      writeFileSync(join(root, path), next);
      console.log(`docs: wrote ${path}`);
    }
  }
  return problems;
}

/**
 * A link to a test, followed by a colon and words in quotes, says that a title in that file holds these words.
 * @param {string} root @param {readonly Document[]} documents @returns {string[]}
 */
export function problemsOfQuotedTests(root, documents) {
  /** @type {string[]} */
  const problems = [];
  for (const { path, prose } of documents) {
    for (const { 1: target = "", 2: words = "" } of prose.matchAll(/\]\(([^)\s]+\.test\.ts)\): "([^"\n]+)"/g)) {
      const file = join(root, dirname(path), target);
      if (existsSync(file) && !readFileSync(file, "utf8").includes(words))
        problems.push(`${path}: no test in ${target} is called "${words}"`);
    }
  }
  return problems;
}

// Options -------------------------------------------------------------------------------------------------------------

/** @param {string} text */
const plain = (text) =>
  text
    .replaceAll(/\{@link (\w+)\}/g, "$1")
    .replaceAll(/[`*\\]/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();

/**
 * The rows of all tables: which options they name, and what the column "default" says.
 * @param {string} markdown
 * @returns {{ names: string[], defaultText: string | null }[]}
 */
export function rowsOf(markdown) {
  /** @type {{ names: string[], defaultText: string | null }[]} */
  const rows = [];
  let column = -1;
  let inTable = false;
  for (const line of markdown.split("\n")) {
    if (!line.startsWith("|")) {
      inTable = false;
      continue;
    }
    const cells = line
      .replaceAll("\\|", "\0")
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.replaceAll("\0", "|").trim());
    if (!inTable) {
      inTable = true;
      column = cells.findIndex((cell) => plain(cell).toLowerCase() === "default");
      continue;
    }
    const names = cells.slice(0, 2).flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(({ 1: name = "" }) => name));
    rows.push({ names, defaultText: column < 0 ? null : plain(cells[column] ?? "") });
  }
  return rows;
}

/** @param {string} root @returns {string[]} */
export function problemsOfOptions(root) {
  /** @type {string[]} */
  const problems = [];
  for (const folder of readdirSync(join(root, "packages"))) {
    const readme = join(root, "packages", folder, "README.md");
    if (!existsSync(readme)) continue; // `npm run arrows` says so
    const rows = rowsOf(readFileSync(readme, "utf8"));
    for (const path of walk(root, (name) => name.endsWith(".ts"), `packages/${folder}/src`)) {
      for (const { owner, name, optional, defaultText, line } of optionsOf(readFileSync(join(root, path), "utf8"))) {
        const mine = rows.filter(({ names }) => names.includes(name));
        const where = `packages/${folder}/README.md`;
        if (mine.length === 0)
          problems.push(`${path}:${line} ${owner}.${name} stands in no table of ${where}: add a row that begins with \`${name}\``);
        else if (optional && defaultText !== null && !mine.some((row) => agrees(row, plain(defaultText))))
          problems.push(
            `${path}:${line} ${owner}.${name} has the default "${plain(defaultText)}", but ${where} says "${mine[0]?.defaultText}"`,
          );
      }
    }
  }
  return problems;
}

/** A row for several options gives their defaults in one cell. @param {{ names: string[], defaultText: string | null }} row @param {string} wanted */
const agrees = ({ names, defaultText }, wanted) => (names.length > 1 ? (defaultText ?? "").includes(wanted) : defaultText === wanted);

// Tables made from the code -------------------------------------------------------------------------------------------

/** @typedef {{ readonly texts: Readonly<Record<string, string>>, readonly reasons: Readonly<Record<string, readonly string[]>> }} Reasons */

/**
 * A table as the formatter wants it: columns of equal width.
 * @param {readonly (readonly string[])[]} rows The first one is the head.
 */
function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => (row[column] ?? "").length)));
  /** @param {readonly string[]} cells @param {string} [filler] */
  const line = (cells, filler = " ") => `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0, filler)).join(" | ")} |`;
  const [head = [], ...others] = rows;
  return [
    line(head),
    line(
      head.map(() => ""),
      "-",
    ),
    ...others.map((row) => line(row)),
  ].join("\n");
}

/** @param {string} text */
const cell = (text) => text.replaceAll("|", "\\|");

/** @param {readonly { name: string, by: string, max: number, perSeconds: number }[]} limits */
export function limitsPage(limits) {
  const rows = limits.map(({ name, by, max, perSeconds }) => [`\`${name}\``, by, String(max), duration(perSeconds)]);
  return `# Limits

Made from the code by \`npm run docs -- --write\`. An application changes a figure by its name: \`limits: { "attempt/subject": { max: 5, per: minutes(15) } }\`.
A refused use is answered with 429 and \`Retry-After\`, before any password is looked at. A window begins with the first use and is not moved by later ones.

_By network_ counts an IPv4 address, or the first 64 bits of an IPv6 address, as Express's \`trust proxy\` gives it. _By subject_ counts a user, or a login that nobody
has, so that a limit never tells which accounts exist; in \`attempt/subject\` each method (a password, a code) has a budget of its own. _By destination_ counts an address that mail or text messages go to, _everybody_ all uses together.

${table([["name", "by", "at most", "in"], ...rows])}

Counts are kept by the storer, and hold over all processes, where it has the capability \`counting\`; otherwise each process counts in its memory.
\`gate.describe().limitsShared\` says which.
`;
}

/** @param {number} seconds */
const duration = (seconds) => {
  for (const [unit, length] of /** @type {const} */ ([
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ])) {
    if (seconds % length === 0 && seconds > 0) return `${seconds / length} ${unit}${seconds === length ? "" : "s"}`;
  }
  return `${seconds} seconds`;
};

/** @param {Reasons} given */
export function reasonsPage({ texts, reasons }) {
  const rows = Object.entries(reasons).flatMap(([module, words]) =>
    words.map((word) => [`\`${word}\``, module, cell(texts[`reason.${word}`] ?? "")]),
  );
  return `# Reasons

Made from the code by \`npm run docs -- --write\`. A reason is a stable word that says why an answer is what it is: \`reason\` in JSON, and the key \`reason.WORD\` of the text
that people read. Statuses and texts may be reworded; a word does not change its meaning.

${table([["reason", "from", "English text"], ...rows])}
`;
}

/** @param {Reasons} given @returns {string[]} */
export const problemsOfReasons = ({ texts, reasons }) =>
  Object.entries(reasons).flatMap(([module, words]) =>
    words
      .filter((word) => texts[`reason.${word}`] === undefined)
      .map((word) => `the reason "${word}" of ${module} has no text: add "reason.${word}" to its texts`),
  );

/**
 * Reasons that the code answers with, but no list declares.
 * @param {string} root @param {Reasons["reasons"]} reasons @returns {string[]}
 */
export function problemsOfUndeclared(root, reasons) {
  const declared = new Set(Object.values(reasons).flat());
  /** @type {string[]} */
  const problems = [];
  for (const path of walk(root, (name) => name.endsWith(".ts"), "packages").filter((name) => /^packages\/[\w-]+\/src\//.test(name))) {
    if (path.startsWith("packages/testkit/")) continue;
    const code = withoutComments(readFileSync(join(root, path), "utf8"));
    for (const { 1: status, 2: refused, 3: given } of code.matchAll(/\brefuse\((\d{3}), "(\w+)"|\breason: "(\w+)"/g)) {
      const word = refused ?? given ?? "";
      // 204 has no body to say a reason in.
      if (status !== "204" && !declared.has(word))
        problems.push(`${path} answers with "${word}", which no module declares: add it to \`reasons\``);
    }
  }
  return problems;
}

/** @param {string} root @param {string} path @param {string} wanted @param {boolean} write @returns {string[]} */
export function problemsOfGenerated(root, path, wanted, write) {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, "utf8") === wanted) return [];
  if (!write) return [`${path} is not what the code says: run \`npm run docs -- --write\``];
  writeFileSync(file, wanted);
  console.log(`docs: wrote ${path}`);
  return [];
}

/** The packages that hold a module, but are missing in the full gate. @param {string} root @param {ReadonlySet<string>} known @returns {string[]} */
export const problemsOfMissingModules = (root, known) =>
  readdirSync(join(root, "packages"))
    .filter((folder) => statSync(join(root, "packages", folder)).isDirectory() && !folder.startsWith("storer-") && !known.has(folder))
    .map((folder) => `scripts/full-gate.mjs lacks the module of packages/${folder}: add it, so that its limits and reasons are documented`);

/** @param {string} root @param {boolean} write */
async function problemsOfCode(root, write) {
  const { fullGate, modules, notFeatures } = await import("./full-gate.mjs");
  const { coreTexts } = await import("../packages/core/dist/core-texts.js");
  const gate = fullGate();
  const { limits, reasons } = gate.describe();
  await gate.close();
  const texts = Object.assign({}, coreTexts, ...Object.values(modules).map((module) => module.texts));
  return [
    ...problemsOfMissingModules(root, new Set([...Object.keys(modules), ...notFeatures])),
    ...problemsOfReasons({ texts, reasons }),
    ...problemsOfUndeclared(root, reasons),
    ...problemsOfGenerated(root, "docs/limits.md", limitsPage([...limits]), write),
    ...problemsOfGenerated(root, "docs/reasons.md", reasonsPage({ texts, reasons }), write),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const write = process.argv.includes("--write");
  const ofCode = await problemsOfCode(root, write);
  const documents = readDocuments(root);
  const problems = [
    ...ofCode,
    ...problemsOfLinks(root, documents),
    ...problemsOfCommands(root, documents),
    ...problemsOfShownFiles(root, documents, write),
    ...problemsOfQuotedTests(root, documents),
    ...problemsOfOptions(root),
  ];
  for (const problem of problems) console.error(`- ${problem}`);
  console.log(problems.length === 0 ? "docs: what the documents say is what the code does" : `docs: ${problems.length} to mend`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
