/** Enough of a User-Agent for people to recognise their own browser. @module */

// In this order: most of them name each other.
const BROWSERS = /** @type {const} */ ([
  ["Edg", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
]);

const SYSTEMS = /** @type {const} */ ([
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Mac OS", "macOS"],
  ["Windows", "Windows"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
]);

/** @param {readonly (readonly [mark: string, name: string])[]} names @param {string} userAgent */
const find = (names, userAgent) => names.find(([mark]) => userAgent.includes(mark))?.[1];

/** @param {string} userAgent */
export function browserName(userAgent) {
  const [browser, system] = [find(BROWSERS, userAgent), find(SYSTEMS, userAgent)];
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? (userAgent.split(/[/ ]/)[0] || "Unknown browser");
}
