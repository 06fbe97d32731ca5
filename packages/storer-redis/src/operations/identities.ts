/**
 * Identities at providers: the capability "oauth2", but for `createUserWithIdentity` and its flows. @module
 *
 * The rows of a user's identities lie in the user's shard, beside the epoch and the password, so that one script sees whether another way in is left. Under the identity itself, in a slot of its own, stands a claim that leads there
 * and opens nothing by itself. To link one:
 *
 * 1. In the user's slot the link is written down as begun, with a claim, while the user is of the epoch.
 * 2. In the identity's slot `SET … NX` puts the claim under it. One is there at a time.
 * 3. In the user's slot the link becomes a row, while the user is still of the epoch. This decides.
 *
 * Whoever meets the claim goes on with step 3 before answering anything. An identity whose claim has no row is nobody's, and is taken away from exactly that claim.
 */
import type { Identity, NewIdentity, OAuth2Operations } from "@castellan/core";
import { identityName, type Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";
import { BEGUN_MS, type Claims, claimText, type IdentityRow, release, releaseLater } from "./claims.ts";

/** How many identities a list holds at most. */
const LONGEST_LIST = 100;

const textOf = (value: string | null): string => (value === null ? "" : `=${value}`);
const nullableOf = (text: string): string | null => (text === "" ? null : text.slice(1));

/** What the scripts are given of an identity: its name, and its row but for the claim. */
export const identityParams = ({ issuer, subject, provider, email, tokens, linkedAt }: NewIdentity) =>
  [identityName(issuer, subject), issuer, subject, provider, textOf(email), textOf(tokens), linkedAt.getTime()] as const;

const identityOf = (pid: string, [, issuer, subject, provider, email, tokens, linkedAt]: IdentityRow): Identity => ({
  pid,
  issuer,
  subject,
  provider,
  email: nullableOf(email),
  tokens: nullableOf(tokens),
  linkedAt: new Date(Number(linkedAt)),
});

/** ARGV: epoch, claim, how long, and the identity. The claim of the user is another for another user of the same pid. */
const beginLink: Script<number> = script(
  "linkIdentity",
  `local user = redis.call('HMGET', KEYS[1], 'epoch', 'claim')
if user[1] ~= ARGV[1] or redis.call('HEXISTS', KEYS[2], ARGV[4]) == 1 then return 0 end
redis.call('SET', KEYS[3], cjson.encode({user[1], user[2], unpack(ARGV, 5)}), 'PX', ARGV[3])
return 1`,
);

const listIdentities: Script<readonly IdentityRow[]> = script(
  "listIdentities",
  `local rows = {}
if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return rows end
for _, text in ipairs(redis.call('HVALS', KEYS[2])) do rows[#rows + 1] = cjson.decode(text) end
return rows`,
);

/** Answers the new epoch, and the claim that stands under the identity. */
const unlinkIdentity: Script<readonly [epoch: number, claim: string] | null> = script(
  "unlinkIdentity",
  `local user, text = redis.call('HMGET', KEYS[1], 'epoch', 'hash'), redis.call('HGET', KEYS[2], ARGV[2])
if user[1] ~= ARGV[1] or not text then return false end
if redis.call('HLEN', KEYS[2]) < 2 and not (ARGV[3] == '1' and user[2]) then return false end
redis.call('HDEL', KEYS[2], ARGV[2])
return {redis.call('HINCRBY', KEYS[1], 'epoch', 1), cjson.decode(text)[1]}`,
);

const noteIdentity: Script<number> = script(
  "noteIdentity",
  `local text = redis.call('HGET', KEYS[2], ARGV[1])
if not text or redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return 0 end
local row = cjson.decode(text)
row[4], row[5], row[6] = ARGV[2], ARGV[3], ARGV[4]
redis.call('HSET', KEYS[2], ARGV[1], cjson.encode(row))
return 1`,
);

const replaceTokens: Script<number> = script(
  "replaceTokens",
  `local text = redis.call('HGET', KEYS[2], ARGV[1])
if not text or redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return 0 end
local row = cjson.decode(text)
if row[6] ~= ARGV[2] then return 0 end
row[6] = ARGV[3]
redis.call('HSET', KEYS[2], ARGV[1], cjson.encode(row))
return 1`,
);

type Operations = Omit<OAuth2Operations, "createUserWithIdentity" | "startFlow" | "findFlow" | "takeFlow">;

export function identityOperations(server: Server, keys: Keys, claims: Claims): Operations {
  const places = (pid: string): [string, string] => [keys.of("user", pid), keys.of("identities", pid)];
  return {
    async findIdentity(issuer, subject) {
      const name = identityName(issuer, subject);
      const holder = await server.command<string | null>("GET", keys.of("identity", name));
      const row = holder === null ? null : await claims.holderOf(name, holder);
      return holder === null || row === null || row === "done" ? null : identityOf(holder.slice(holder.indexOf(" ") + 1), row);
    },
    async listIdentities(pid) {
      const rows = await server.run(listIdentities, places(pid));
      return rows
        .map((row) => ({ serial: Number(row[0]), identity: identityOf(pid, row) }))
        .sort((one, other) => one.identity.linkedAt.getTime() - other.identity.linkedAt.getTime() || one.serial - other.serial)
        .slice(0, LONGEST_LIST)
        .map(({ identity }) => identity);
    },
    async linkIdentity(pid, epoch, identity) {
      const [name, ...rest] = identityParams(identity);
      const claimed = String(await server.command<number>("INCR", keys.serial(pid)));
      const [linking, own] = [keys.linking(pid, claimed), claimText(claimed, pid)];
      if ((await server.run(beginLink, [...places(pid), linking], epoch, claimed, BEGUN_MS, name, ...rest)) === 0) return false;
      if (!(await claims.claimIdentity(name, own))) {
        await server.tidy([linking]);
        return false;
      }
      // Also where somebody else has gone on with it, and the user has unlinked it since.
      const isDone = (await claims.holderOf(name, own)) !== null;
      if (!isDone) await release(server, keys.of("identity", name), own);
      await server.tidy([linking]);
      return isDone;
    },
    async unlinkIdentity(pid, epoch, issuer, subject, passwordCounts) {
      const name = identityName(issuer, subject);
      const done = await server.run(unlinkIdentity, places(pid), epoch, name, passwordCounts ? 1 : 0);
      if (!done) return null;
      await releaseLater(server, keys.of("identity", name), claimText(done[1], pid));
      return done[0];
    },
    async noteIdentity(pid, { issuer, subject, provider, email, tokens }) {
      const said = [provider, textOf(email), textOf(tokens)];
      return (await server.run(noteIdentity, places(pid), identityName(issuer, subject), ...said)) === 1;
    },
    async replaceTokens(pid, issuer, subject, from, to) {
      return (await server.run(replaceTokens, places(pid), identityName(issuer, subject), textOf(from), textOf(to))) === 1;
    },
  };
}
