/** Second factors: the capabilities "totp", "sms" and "recovery-codes". @module */
import type { RecoveryCodeOperations, SmsOperations, TotpOperations } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";

/** `replace_codes(key, first)`: puts the hashes in ARGV from `first` on in place of all that the user had. */
const REPLACE_CODES = `local function replace_codes(key, first)
  redis.call('DEL', key)
  if ARGV[first] then redis.call('SADD', key, unpack(ARGV, first)) end
end
`;

/** ARGV: epoch, whether there are codes, the factor's own values, then the codes. Answers the new epoch. */
const enabling = (name: string, field: string, store: string, codesFrom: number): Script<number | null> =>
  script(
    name,
    `${REPLACE_CODES}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or redis.call('HEXISTS', KEYS[1], '${field}') == 1 then return false end
${store}
if ARGV[2] == '1' then replace_codes(KEYS[2], ${codesFrom}) end
return redis.call('HINCRBY', KEYS[1], 'epoch', 1)`,
  );

const disabling = (name: string, fields: string): Script<number | null> =>
  script(
    name,
    `if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or redis.call('HDEL', KEYS[1], ${fields}) == 0 then return false end
return redis.call('HINCRBY', KEYS[1], 'epoch', 1)`,
  );

const enableTotp = enabling(
  "enableTotp",
  "totp",
  "redis.call('HSET', KEYS[1], 'totp', ARGV[3], 'totp_step', ARGV[4], 'totp_at', ARGV[5])",
  6,
);
const disableTotp = disabling("disableTotp", "'totp', 'totp_step', 'totp_at'");
const enableSms = enabling("enableSms", "sms", "redis.call('HSET', KEYS[1], 'sms', ARGV[3])", 4);
const disableSms = disabling("disableSms", "'sms'");

const acceptTotpStep: Script<number> = script(
  "acceptTotpStep",
  `local totp = redis.call('HMGET', KEYS[1], 'totp', 'totp_step')
if totp[1] ~= ARGV[1] or tonumber(totp[2]) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'totp_step', ARGV[2])
return 1`,
);

const resealTotp: Script<number> = script(
  "resealTotp",
  `if redis.call('HGET', KEYS[1], 'totp') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'totp', ARGV[2])
return 1`,
);

const replaceRecoveryCodes: Script<number> = script(
  "replaceRecoveryCodes",
  `${REPLACE_CODES}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
replace_codes(KEYS[2], 2)
return 1`,
);

const consumeRecoveryCode: Script<number | null> = script(
  "consumeRecoveryCode",
  `if redis.call('SREM', KEYS[1], ARGV[1]) == 0 then return false end
return redis.call('SCARD', KEYS[1])`,
);

export function factorOperations(server: Server, keys: Keys): TotpOperations & SmsOperations & RecoveryCodeOperations {
  const user = (pid: string): [string] => [keys.of("user", pid)];
  const withCodes = (pid: string): [string, string] => [keys.of("user", pid), keys.of("recovery-codes", pid)];
  return {
    async enableTotp(pid, epoch, { secret, step, enabledAt }, codes) {
      return server.run(enableTotp, withCodes(pid), epoch, codes ? 1 : 0, secret, step, enabledAt.getTime(), ...(codes ?? []));
    },
    totpSecretOf: (pid) => server.command<string | null>("HGET", keys.of("user", pid), "totp"),
    async acceptTotpStep(pid, secret, step) {
      return (await server.run(acceptTotpStep, user(pid), secret, step)) === 1;
    },
    async resealTotp(pid, from, to) {
      return (await server.run(resealTotp, user(pid), from, to)) === 1;
    },
    disableTotp: (pid, epoch) => server.run(disableTotp, user(pid), epoch),

    async enableSms(pid, epoch, number, codes) {
      return server.run(enableSms, withCodes(pid), epoch, codes ? 1 : 0, number, ...(codes ?? []));
    },
    disableSms: (pid, epoch) => server.run(disableSms, user(pid), epoch),

    async replaceRecoveryCodes(pid, epoch, hashes) {
      return (await server.run(replaceRecoveryCodes, withCodes(pid), epoch, ...hashes)) === 1;
    },
    consumeRecoveryCode: (pid, hash) => server.run(consumeRecoveryCode, [keys.of("recovery-codes", pid)], hash),
    countRecoveryCodes: (pid) => server.command<number>("SCARD", keys.of("recovery-codes", pid)),
  };
}
