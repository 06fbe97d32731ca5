/** Mails that wait: the capability "mail-queueing". @module */
import type { MailQueueOperations } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";

const queueMail: Script<number> = script(
  "queueMail",
  `redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
redis.call('HSET', KEYS[1], 'payload:' .. ARGV[1], ARGV[2], 'created:' .. ARGV[1], ARGV[3], 'attempts:' .. ARGV[1], 0)
return 1`,
);

const claimMails: Script<readonly (readonly [id: string, attempts: number, payload: string, created: string])[]> = script(
  "claimMails",
  `local claimed = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local attempts = redis.call('HINCRBY', KEYS[1], 'attempts:' .. id, 1)
  redis.call('ZADD', KEYS[2], ARGV[2], id)
  local mail = redis.call('HMGET', KEYS[1], 'payload:' .. id, 'created:' .. id)
  claimed[#claimed + 1] = {id, attempts, mail[1], mail[2]}
end
return claimed`,
);

const removeMail: Script<number> = script(
  "removeMail",
  `local removed = redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[1], 'payload:' .. ARGV[1], 'created:' .. ARGV[1], 'attempts:' .. ARGV[1])
return removed`,
);

export function mailOperations(server: Server, keys: Keys): MailQueueOperations {
  const places: [string, string] = [keys.mails("rows"), keys.mails("due")];
  return {
    async queueMail({ id, payload, createdAt, dueAt }) {
      await server.run(queueMail, places, id, payload, createdAt.getTime(), dueAt.getTime());
    },
    async claimMails(now, until, limit) {
      const dueAt = until.getTime();
      const rows = await server.run(claimMails, places, now.getTime(), dueAt, Math.max(0, Math.floor(limit)));
      return rows.map(([id, attempts, payload, created]) => ({
        id,
        payload,
        attempts,
        createdAt: new Date(Number(created)),
        dueAt: new Date(dueAt),
      }));
    },
    async removeMail(id) {
      return (await server.run(removeMail, places, id)) > 0;
    },
    async postponeMail(id, dueAt) {
      await server.command("ZADD", keys.mails("due"), "XX", dueAt.getTime(), id);
    },
  };
}
