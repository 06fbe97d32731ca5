/**
 * An OpenID provider for development, with people whose passwords nobody needs: to see what signing in with others is like without registering anywhere. It has a port of its own, and so is another site
 * to the browser, as a real one would be. @module
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { html } from "castellan";

export const DEMO_CLIENT = { clientId: "castellan-example", clientSecret: "no secret: everybody can read it here" };

/** @typedef {{ name: string, email?: string, email_verified?: boolean, hint: string }} DemoPerson */

/** @type {Readonly<Record<string, DemoPerson>>} */
const PEOPLE = {
  ann: { name: "Ann Demo", email: "ann.demo@example.com", email_verified: true, hint: "whose address the provider has checked" },
  eve: { name: "Eve Demo", email: "eve.demo@example.com", email_verified: true, hint: "likewise" },
  bob: { name: "Bob Demo", email: "bob.demo@example.com", email_verified: false, hint: "whose address nobody has checked" },
  shy: { name: "Somebody", hint: "who tells no address" },
};

/** What the provider keeps: gone when the process ends. */
class Memory {
  /** @type {Map<string, { payload: Record<string, any>, endsAt: number }>} */
  static #rows = new Map();
  #kind;

  /** @param {string} kind */
  constructor(kind) {
    this.#kind = kind;
  }

  /** @param {(row: Record<string, any>, key: string) => boolean} wanted */
  #search(wanted) {
    for (const [key, { payload, endsAt }] of Memory.#rows) {
      if (key.startsWith(`${this.#kind}:`) && endsAt > Date.now() && wanted(payload, key)) return payload;
    }
    return undefined;
  }

  /** @param {string} id @param {Record<string, any>} payload @param {number} seconds */
  async upsert(id, payload, seconds) {
    Memory.#rows.set(`${this.#kind}:${id}`, { payload, endsAt: seconds ? Date.now() + seconds * 1000 : Number.POSITIVE_INFINITY });
  }
  /** @param {string} id */
  async find(id) {
    return this.#search((_, key) => key === `${this.#kind}:${id}`);
  }
  /** @param {string} uid */
  async findByUid(uid) {
    return this.#search((row) => row["uid"] === uid);
  }
  /** @param {string} code */
  async findByUserCode(code) {
    return this.#search((row) => row["userCode"] === code);
  }
  /** @param {string} id */
  async consume(id) {
    const row = await this.find(id);
    if (row) row["consumed"] = Math.floor(Date.now() / 1000);
  }
  /** @param {string} id */
  async destroy(id) {
    Memory.#rows.delete(`${this.#kind}:${id}`);
  }
  /** @param {string} grantId */
  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of Memory.#rows) if (payload["grantId"] === grantId) Memory.#rows.delete(key);
  }
}

/**
 * Starts the provider. Answers its issuer, or `null` where the port is taken: the example does without it then.
 *
 * @param {{ port: number, redirectUri: string, accessTokenSeconds?: number }} settings
 * @returns {Promise<{ issuer: string, close: () => Promise<void> } | null>}
 */
export async function startDemoProvider({ port, redirectUri, accessTokenSeconds = 3600 }) {
  const server = createServer();
  try {
    await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", () => resolve(null)));
  } catch {
    return null;
  }
  const issuer = `http://127.0.0.1:${port}`;
  const { Provider } = await import("oidc-provider");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    adapter: Memory,
    clients: [
      {
        client_id: DEMO_CLIENT.clientId,
        client_secret: DEMO_CLIENT.clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    jwks: { keys: [/** @type {import("oidc-provider").JWK} */ ({ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" })] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    findAccount: (_ctx, id) => {
      const { hint: _, ...claims } = PEOPLE[id] ?? { name: id, hint: "" };
      return { accountId: id, claims: async () => ({ sub: id, ...claims }) };
    },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true, allowedPolicy: () => true } },
    interactions: { url: (_ctx, { uid }) => `/choose/${uid}` },
    // Whoever chooses a person has agreed.
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc;
      const grant = new provider.Grant({
        ...(client && { clientId: client.clientId }),
        ...(session?.accountId && { accountId: session.accountId }),
      });
      grant.addOIDCScope("openid email profile offline_access");
      await grant.save();
      return grant;
    },
    ttl: {
      Session: 600,
      Grant: 3600,
      Interaction: 600,
      AccessToken: accessTokenSeconds,
      RefreshToken: 3600,
      IdToken: 600,
      AuthorizationCode: 60,
    },
  });
  const answer = provider.callback();
  server.on("request", async (req, res) => {
    const path = new URL(req.url ?? "/", issuer).pathname;
    if (!path.startsWith("/choose/")) return void answer(req, res);
    try {
      if (req.method === "POST")
        return void (await provider.interactionFinished(req, res, resultOf(path), { mergeWithLastSubmission: false }));
      const { uid } = await provider.interactionDetails(req, res);
      res.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" }).end(choosePage(uid));
    } catch {
      res.writeHead(400, { "content-type": "text/plain" }).end("This took too long. Go back and begin again.");
    }
  });
  return {
    issuer,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** `/choose/UID/PERSON`, or `/choose/UID/nobody`. @param {string} path */
const resultOf = (path) => {
  const accountId = path.split("/")[3] ?? "";
  return Object.hasOwn(PEOPLE, accountId) ? { login: { accountId }, consent: {} } : { error: "access_denied" };
};

/** @param {string} uid */
const choosePage = (uid) =>
  html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Demo provider</title>
<link rel="icon" href="data:,">
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 10vh auto; padding: 0 1rem }
button { display: block; width: 100%; min-height: 3rem; margin-block: 0.75rem; font: inherit }</style></head>
<body><main><h1>Demo provider</h1><p>Another site, as far as the example is concerned. Who are you?</p>
${Object.entries(PEOPLE).map(
  ([id, { name, hint }]) => html`<form method="post" action="/choose/${uid}/${id}"><button type="submit">${name}, ${hint}</button></form>`,
)}
<form method="post" action="/choose/${uid}/nobody"><button type="submit">I would rather not</button></form>
</main></body></html>`.markup;
