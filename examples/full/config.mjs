/** What the environment says. Whatever is missing or wrong is told at once, with its mend. @module */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError } from "castellan";

/** @typedef {{ clientId: string, clientSecret: string }} Client */

/**
 * @typedef {object} Settings
 * @property {boolean} development What is fit only for development: plain HTTP on this machine, made-up secrets, the outbox.
 * @property {string} host
 * @property {number} port
 * @property {string} rootUrl
 * @property {string} databaseUrl Of whatever kind `openStorer` opens.
 * @property {string} castellanKey
 * @property {string} sessionSecret
 * @property {string | null} smtpUrl `null` for the outbox.
 * @property {string} mailFrom
 * @property {{ accountSid: string, authToken: string, from: string } | null} twilio `null` for the outbox.
 * @property {readonly string[] | null} smsCountries Where text messages may go, as ISO 3166-1 alpha-2 codes; `null` for everywhere: nothing leaves the outbox.
 * @property {number | null} demoPort Where the demo provider listens; `null` for none.
 * @property {{ google: Client | null, github: Client | null }} clients What providers gave out for this application.
 * @property {string | number} trustProxy Whose word counts on where a request comes from: https://expressjs.com/en/guide/behind-proxies.html
 */

const DATABASES = "for example sqlite:///path/to/app.db or postgres://user:password@host/database";
const MAKE_SECRET = `make one with: node -p "crypto.randomBytes(32).toString('base64url')"`;

/**
 * @param {Readonly<Record<string, string | undefined>>} environment
 * @returns {Settings}
 */
export function settingsFrom(environment) {
  /** @type {string[]} */
  const problems = [];
  // An empty variable counts as none.
  const read = (/** @type {string} */ name) => environment[name] || null;
  const required = (/** @type {string} */ name, /** @type {string} */ mend) => {
    const value = read(name);
    if (value === null) problems.push(`${name} is missing: ${mend}`);
    return value ?? "";
  };

  const development = developmentFrom(read, problems);
  const directory = resolve(read("DATA_DIRECTORY") ?? "data");
  const port = portFrom(read("PORT") ?? "3000", problems);
  const databaseUrl = development ? read("DATABASE_URL") : required("DATABASE_URL", DATABASES);
  const settings = {
    development,
    // In development, nobody but this machine.
    host: development ? "127.0.0.1" : (read("HOST") ?? "127.0.0.1"),
    port,
    rootUrl: development
      ? (read("ROOT_URL") ?? `http://localhost:${port}`)
      : required("ROOT_URL", "the address that people see, for example https://app.example.com"),
    databaseUrl: databaseUrl ?? pathToFileURL(join(directory, "app.db")).href.replace("file:", "sqlite:"),
    smtpUrl: development ? read("SMTP_URL") : required("SMTP_URL", "for example smtp://user:password@mail.example.com:587"),
    mailFrom: development ? (read("MAIL_FROM") ?? "example@castellan.example") : required("MAIL_FROM", "the address that mails come from"),
    twilio: development ? null : twilioFrom(required),
    smsCountries: development ? null : countriesFrom(required("SMS_COUNTRIES", "where text messages may go, for example CH,DE")),
    trustProxy: trustFrom(read("TRUST_PROXY") ?? "loopback"),
    demoPort: development ? portFrom(read("DEMO_PROVIDER_PORT") ?? String(port < 65_535 ? port + 1 : port - 1), problems) : null,
    clients: { google: clientFrom("GOOGLE", read, problems), github: clientFrom("GITHUB", read, problems) },
  };
  if (!development) {
    const secrets = { castellanKey: required("CASTELLAN_KEY", MAKE_SECRET), sessionSecret: required("SESSION_SECRET", MAKE_SECRET) };
    if (problems.length > 0) throw new ConfigError([...problems, "to try the example out, run `npm start` in its repository instead"]);
    return { ...settings, ...secrets };
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const kept = keptSecrets(join(directory, "secrets.json"));
  return {
    ...settings,
    castellanKey: read("CASTELLAN_KEY") ?? kept.castellanKey,
    sessionSecret: read("SESSION_SECRET") ?? kept.sessionSecret,
  };
}

/**
 * Development is said aloud and never guessed: without a word, this is production.
 *
 * @param {(name: string) => string | null} read
 * @param {string[]} problems
 */
function developmentFrom(read, problems) {
  const flag = read("CASTELLAN_DEVELOPMENT");
  if (flag !== null && flag !== "1") problems.push(`CASTELLAN_DEVELOPMENT is 1 or not set, not "${flag}"`);
  if (flag !== null && read("NODE_ENV") === "production")
    problems.push("NODE_ENV says production and CASTELLAN_DEVELOPMENT says development: unset one of them");
  return flag === "1";
}

/**
 * @param {string} text
 * @param {string[]} problems
 */
function portFrom(text, problems) {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  problems.push(`PORT is a number from 1 to 65535, not "${text}"`);
  return 0;
}

/** @param {(name: string, mend: string) => string} required */
const twilioFrom = (required) => ({
  accountSid: required("TWILIO_ACCOUNT_SID", "the account that sends text messages, AC…"),
  authToken: required("TWILIO_AUTH_TOKEN", "its secret"),
  from: required("TWILIO_FROM", "the number that text messages come from, for example +15005550006"),
});

/** @param {string} text */
const countriesFrom = (text) => text.split(",").map((code) => code.trim().toUpperCase());
/**
 * A client that a provider gave out, by two variables.
 *
 * @param {string} name
 * @param {(name: string) => string | null} read
 * @param {string[]} problems
 * @returns {Client | null}
 */
function clientFrom(name, read, problems) {
  const [clientId, clientSecret] = [read(`${name}_CLIENT_ID`), read(`${name}_CLIENT_SECRET`)];
  if (clientId && clientSecret) return { clientId, clientSecret };
  if (clientId || clientSecret) problems.push(`${name}_CLIENT_ID and ${name}_CLIENT_SECRET go together: set both or neither`);
  return null;
}

/** How many proxies, or which ones. @param {string} text */
const trustFrom = (text) => (/^\d+$/.test(text) ? Number(text) : text);

/**
 * Secrets for development: made on the first start, kept for the next ones, readable by their owner only.
 *
 * @param {string} file
 * @returns {{ castellanKey: string, sessionSecret: string }}
 */
function keptSecrets(file) {
  const secret = () => randomBytes(32).toString("base64url");
  mkdirSync(dirname(file), { recursive: true });
  try {
    const made = { castellanKey: secret(), sessionSecret: secret() };
    // Fails if there is a file: whoever starts second uses what is there.
    writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { flag: "wx", mode: 0o600 });
    return made;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  try {
    const { castellanKey, sessionSecret } = JSON.parse(readFileSync(file, "utf8"));
    return { castellanKey, sessionSecret };
  } catch (cause) {
    throw new ConfigError([
      `${file} cannot be read (${cause instanceof Error ? cause.message : cause}): mend it, or delete it to get new secrets`,
    ]);
  }
}
