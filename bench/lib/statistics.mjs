/** Figures from figures. @module */

const sorted = (/** @type {readonly number[]} */ values) => values.toSorted((one, other) => one - other);

/** @param {readonly number[]} values */
export function median(values) {
  const ordered = sorted(values);
  const middle = ordered.length / 2;
  const [low = NaN, high = NaN] = [ordered[Math.ceil(middle) - 1], ordered[Math.floor(middle)]];
  return (low + high) / 2;
}

/** @param {readonly number[]} values @param {number} percent */
export function percentile(values, percent) {
  const ordered = sorted(values);
  return ordered[Math.min(ordered.length - 1, Math.floor((percent / 100) * ordered.length))] ?? NaN;
}

/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} measured
 * @property {string} goal
 * @property {boolean | null} reached `null` where there is no goal
 */

const VERDICTS = new Map([
  [true, "yes"],
  [false, "**no**"],
  [null, ""],
]);

/** @param {readonly Row[]} rows @returns {string} a Markdown table */
export function table(rows) {
  const cells = [
    ["what", "measured", "goal", "reached?"],
    ...rows.map(({ what, measured, goal, reached }) => [what, measured, goal, VERDICTS.get(reached) ?? ""]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const [head, ...lines] = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  return [head, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...lines].join("\n");
}
