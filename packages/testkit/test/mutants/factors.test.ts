import {
  type MemoryStorer,
  oneTimePasswordsConformance,
  recoveryCodesConformance,
  smsConformance,
  totpConformance,
  trustedBrowsersConformance,
} from "@castellan/testkit";
import { catches, earlier, LONG_AGO, later, roundTrip } from "./mutant.ts";

const rowOf = (storer: MemoryStorer, pid: string) => storer.dump().users.find((user) => user.pid === pid);

catches(totpConformance, {
  "looks first whether it is on and turns it on afterwards": (storer) => ({
    enableTotp: async (pid, epoch, totp, codes) => {
      const user = rowOf(storer, pid);
      if (user?.epoch !== epoch || user.totp) return null;
      await roundTrip();
      const now = rowOf(storer, pid)?.epoch ?? 0;
      if (rowOf(storer, pid)?.totp) await storer.disableTotp(pid, now);
      return (await storer.enableTotp(pid, rowOf(storer, pid)?.epoch ?? 0, totp, codes)) === null ? null : epoch + 1;
    },
  }),
  "stores the codes in a step of its own, whoever won": (storer) => ({
    enableTotp: async (pid, epoch, totp, codes) => {
      if (codes && rowOf(storer, pid)?.epoch === epoch) await storer.replaceRecoveryCodes(pid, epoch, codes);
      return storer.enableTotp(pid, epoch, totp, null);
    },
  }),
  "forgets the codes": (storer) => ({ enableTotp: (pid, epoch, totp) => storer.enableTotp(pid, epoch, totp, null) }),
  "takes the codes away where none are brought": (storer) => ({
    enableTotp: (pid, epoch, totp, codes) => storer.enableTotp(pid, epoch, totp, codes ?? []),
  }),
  "takes the codes away with the factor": (storer) => ({
    disableTotp: async (pid, epoch) => {
      const next = await storer.disableTotp(pid, epoch);
      if (next !== null) await storer.replaceRecoveryCodes(pid, next, []);
      return next;
    },
  }),
  "turns it on under whatever epoch": (storer) => ({
    enableTotp: (pid, _, totp, codes) => storer.enableTotp(pid, rowOf(storer, pid)?.epoch ?? 0, totp, codes),
  }),
  "turns it off under whatever epoch": (storer) => ({ disableTotp: (pid) => storer.disableTotp(pid, rowOf(storer, pid)?.epoch ?? 0) }),
  "answers an epoch for what was off already": (storer) => ({
    disableTotp: async (pid, epoch) => (await storer.disableTotp(pid, epoch)) ?? (await storer.advanceEpoch(pid)),
  }),
  "accepts a step again": (storer) => ({
    acceptTotpStep: async (pid, secret, step) =>
      (await storer.acceptTotpStep(pid, secret, step)) ||
      (rowOf(storer, pid)?.totp?.step === step && rowOf(storer, pid)?.totp?.secret === secret),
  }),
  "compares the step first and stores it afterwards": (storer) => ({
    acceptTotpStep: async (pid, secret, step) => {
      const totp = rowOf(storer, pid)?.totp;
      if (totp?.secret !== secret || step <= totp.step) return false;
      await roundTrip();
      await storer.acceptTotpStep(pid, secret, step);
      return true;
    },
  }),
  "accepts a step for whatever secret": (storer) => ({
    acceptTotpStep: (pid, _, step) => storer.acceptTotpStep(pid, rowOf(storer, pid)?.totp?.secret ?? "", step),
  }),
  "begins with no step, so that the code of the set-up is good once more": (storer) => ({
    enableTotp: (pid, epoch, totp, codes) => storer.enableTotp(pid, epoch, { ...totp, step: totp.step - 1 }, codes),
  }),
  "forgets the step when it seals anew": (storer) => {
    const forgotten = new Set<string>();
    return {
      resealTotp: async (pid, from, to) => {
        const done = await storer.resealTotp(pid, from, to);
        if (done) forgotten.add(to);
        return done;
      },
      acceptTotpStep: async (pid, secret, step) => (await storer.acceptTotpStep(pid, secret, step)) || forgotten.delete(secret),
    };
  },
  "seals anew over whatever is there": (storer) => ({
    resealTotp: (pid, _, to) => storer.resealTotp(pid, rowOf(storer, pid)?.totp?.secret ?? "", to),
  }),
  "rounds the moment that it was turned on": (storer) => ({
    enableTotp: (pid, epoch, totp, codes) => storer.enableTotp(pid, epoch, { ...totp, enabledAt: later(totp.enabledAt) }, codes),
  }),
  "cuts a long secret": (storer) => ({
    enableTotp: (pid, epoch, totp, codes) => storer.enableTotp(pid, epoch, { ...totp, secret: totp.secret.slice(0, 255) }, codes),
  }),
  "says after closing that there is no secret": (storer) => ({ totpSecretOf: (pid) => storer.totpSecretOf(pid).catch(() => null) }),
});

catches(smsConformance, {
  "lets a number belong to one user only": (storer) => ({
    enableSms: async (pid, epoch, number, codes) =>
      storer.dump().users.some(({ smsNumber }) => smsNumber === number) ? null : storer.enableSms(pid, epoch, number, codes),
  }),
  "cuts a long number": (storer) => ({
    enableSms: (pid, epoch, number, codes) => storer.enableSms(pid, epoch, number.slice(0, 15), codes),
  }),
  "turns it on over itself": (storer) => ({
    enableSms: async (pid, epoch, number, codes) => {
      await storer.disableSms(pid, epoch);
      return storer.enableSms(pid, rowOf(storer, pid)?.epoch ?? epoch, number, codes);
    },
  }),
  "leaves the epoch, and with it every sign-in without the factor": (storer) => ({
    findSignIn: async (key, now) => {
      const found = await storer.findSignIn(key, now);
      const row = found ? null : storer.dump().signIns.get(key);
      const user = row && (await storer.load(row.pid));
      return row && user ? { user, signIn: row } : found;
    },
  }),
  "lets every parallel call turn it on": (storer) => ({
    enableSms: async (pid, epoch, number, codes) => {
      const isOff = rowOf(storer, pid)?.smsNumber === null && rowOf(storer, pid)?.epoch === epoch;
      await roundTrip();
      return (await storer.enableSms(pid, epoch, number, codes)) ?? (isOff ? epoch + 1 : null);
    },
  }),
  "lets every parallel call turn it off": (storer) => ({
    disableSms: async (pid, epoch) => {
      const isOn = rowOf(storer, pid)?.smsNumber !== null && rowOf(storer, pid)?.epoch === epoch;
      await roundTrip();
      return (await storer.disableSms(pid, epoch)) ?? (isOn && rowOf(storer, pid) ? epoch + 1 : null);
    },
  }),
});

catches(recoveryCodesConformance, {
  "looks for a code first and spends it afterwards": (storer) => ({
    consumeRecoveryCode: async (pid, hash) => {
      const codes = rowOf(storer, pid)?.recoveryCodes;
      if (!codes?.includes(hash)) return null;
      await roundTrip();
      await storer.consumeRecoveryCode(pid, hash);
      return codes.length - 1;
    },
  }),
  "writes all that it had read, without one": (storer) => ({
    consumeRecoveryCode: async (pid, hash) => {
      const user = rowOf(storer, pid);
      if (!user?.recoveryCodes.includes(hash)) return null;
      const codes = user.recoveryCodes.filter((code) => code !== hash);
      await roundTrip();
      await storer.replaceRecoveryCodes(pid, user.epoch, codes);
      return codes.length;
    },
  }),
  "says afterwards how many are left": (storer) => ({
    consumeRecoveryCode: async (pid, hash) => {
      const left = await storer.consumeRecoveryCode(pid, hash);
      await roundTrip();
      return left === null ? null : storer.countRecoveryCodes(pid);
    },
  }),
  "adds new codes to the old ones": (storer) => ({
    replaceRecoveryCodes: (pid, epoch, hashes) =>
      storer.replaceRecoveryCodes(pid, epoch, [...(rowOf(storer, pid)?.recoveryCodes ?? []), ...hashes]),
  }),
  "stores codes under whatever epoch": (storer) => ({
    replaceRecoveryCodes: (pid, _, hashes) => storer.replaceRecoveryCodes(pid, rowOf(storer, pid)?.epoch ?? 0, hashes),
  }),
  "lets them die with the epoch": (storer) => ({
    advanceEpoch: async (pid) => {
      const epoch = await storer.advanceEpoch(pid);
      if (epoch !== null) await storer.replaceRecoveryCodes(pid, epoch, []);
      return epoch;
    },
  }),
  "advances the epoch with them": (storer) => ({
    replaceRecoveryCodes: async (pid, epoch, hashes) => {
      const done = await storer.replaceRecoveryCodes(pid, epoch, hashes);
      if (done) await storer.advanceEpoch(pid);
      return done;
    },
  }),
  "spends by the beginning of a code": (storer) => ({
    consumeRecoveryCode: async (pid, hash) => {
      const whole = rowOf(storer, pid)?.recoveryCodes.find((code) => code.startsWith(hash));
      return storer.consumeRecoveryCode(pid, whole ?? hash);
    },
  }),
  "says after closing that a code is none": (storer) => ({
    consumeRecoveryCode: (pid, hash) => storer.consumeRecoveryCode(pid, hash).catch(() => null),
  }),
});

catches(oneTimePasswordsConformance, {
  "counts first and stores afterwards": (storer) => ({
    addOneTimePassword: async (pid, epoch, hash, max) => {
      if ((await storer.countOneTimePasswords(pid)) >= max) return null;
      await roundTrip();
      return storer.addOneTimePassword(pid, epoch, hash, max + 50);
    },
  }),
  "looks first and spends afterwards": (storer) => ({
    consumeOneTimePassword: async (pid, hash) => {
      const user = rowOf(storer, pid);
      const isLive = user?.oneTimePasswords.epoch === user?.epoch && (user?.oneTimePasswords.hashes.includes(hash) ?? false);
      await roundTrip();
      await storer.consumeOneTimePassword(pid, hash);
      return isLive;
    },
  }),
  "lets them outlive the epoch": (storer) => ({
    consumeOneTimePassword: async (pid, hash) =>
      (await storer.consumeOneTimePassword(pid, hash)) || (rowOf(storer, pid)?.oneTimePasswords.hashes.includes(hash) ?? false),
  }),
  "counts dead ones": (storer) => ({ countOneTimePasswords: async (pid) => rowOf(storer, pid)?.oneTimePasswords.hashes.length ?? 0 }),
  "lets dead ones take up the room": (storer) => ({
    addOneTimePassword: async (pid, epoch, hash, max) => {
      const user = rowOf(storer, pid);
      if ((user?.oneTimePasswords.hashes.length ?? 0) >= max) return null;
      return storer.addOneTimePassword(pid, epoch, hash, max);
    },
  }),
  "stores under whatever epoch": (storer) => ({
    addOneTimePassword: (pid, _, hash, max) => storer.addOneTimePassword(pid, rowOf(storer, pid)?.epoch ?? 0, hash, max),
  }),
  "checks the epoch first and stores afterwards": (storer) => ({
    addOneTimePassword: async (pid, epoch, hash, max) => {
      if (rowOf(storer, pid)?.epoch !== epoch) return null;
      await roundTrip();
      return storer.addOneTimePassword(pid, rowOf(storer, pid)?.epoch ?? 0, hash, max);
    },
  }),
  "stores one twice": (storer) => {
    const twice = new Set<string>();
    return {
      addOneTimePassword: async (pid, epoch, hash, max) => {
        const count = await storer.addOneTimePassword(pid, epoch, hash, max);
        if (count !== null || (await storer.countOneTimePasswords(pid)) >= max) return count;
        if (rowOf(storer, pid)?.oneTimePasswords.hashes.includes(hash)) twice.add(hash);
        return twice.has(hash) ? 2 : null;
      },
    };
  },
  "spends all of a user with one": (storer) => ({
    consumeOneTimePassword: async (pid, hash) => {
      const spent = await storer.consumeOneTimePassword(pid, hash);
      if (spent) await storer.clearOneTimePasswords(pid);
      return spent;
    },
  }),
  "counts first and removes afterwards": (storer) => ({
    clearOneTimePasswords: async (pid) => {
      const count = await storer.countOneTimePasswords(pid);
      await roundTrip();
      await storer.clearOneTimePasswords(pid);
      return count;
    },
  }),
  "removes nothing": (storer) => ({ clearOneTimePasswords: (pid) => storer.countOneTimePasswords(pid) }),
  "says after closing that one is none": (storer) => ({
    consumeOneTimePassword: (pid, hash) => storer.consumeOneTimePassword(pid, hash).catch(() => false),
  }),
});

const browsersOf = (storer: MemoryStorer, pid: string) => storer.dump().trustedBrowsers.filter((browser) => browser.pid === pid);

catches(trustedBrowsersConformance, {
  "trusts under whatever epoch": (storer) => ({
    addTrustedBrowser: (browser) => storer.addTrustedBrowser({ ...browser, epoch: rowOf(storer, browser.pid)?.epoch ?? 0 }),
  }),
  "checks the epoch first and stores afterwards": (storer) => ({
    addTrustedBrowser: async (browser) => {
      if (rowOf(storer, browser.pid)?.epoch !== browser.epoch) return false;
      await roundTrip();
      return storer.addTrustedBrowser({ ...browser, epoch: rowOf(storer, browser.pid)?.epoch ?? 0 });
    },
  }),
  "trusts a browser of another epoch": (storer) => ({
    findTrustedBrowser: async (pid, keyHash, now) =>
      browsersOf(storer, pid).find((browser) => browser.keyHash === keyHash && browser.expiresAt > now) ?? null,
  }),
  "finds a browser for whatever user": (storer) => ({
    findTrustedBrowser: async (pid, keyHash, now) => {
      const other = storer.dump().trustedBrowsers.find((browser) => browser.keyHash === keyHash);
      return storer.findTrustedBrowser(other?.pid ?? pid, keyHash, now);
    },
  }),
  "trusts for a millisecond too long": (storer) => ({
    findTrustedBrowser: (pid, keyHash, now) => storer.findTrustedBrowser(pid, keyHash, earlier(now)),
    listTrustedBrowsers: (pid, now) => storer.listTrustedBrowsers(pid, earlier(now)),
  }),
  "lists what is dead": (storer) => ({ listTrustedBrowsers: async (pid) => browsersOf(storer, pid) }),
  "lists the oldest first": (storer) => ({
    listTrustedBrowsers: async (pid, now) => [...(await storer.listTrustedBrowsers(pid, now))].reverse(),
  }),
  "stores one over another": (storer) => ({
    addTrustedBrowser: async (browser) => {
      for (const other of storer.dump().trustedBrowsers) {
        if (other.keyHash === browser.keyHash || other.id === browser.id) await storer.endTrustedBrowser(other.pid, other.id);
      }
      return storer.addTrustedBrowser(browser);
    },
  }),
  "ends a stranger's": (storer) => ({
    endTrustedBrowser: async (pid, id) => {
      const owner = storer.dump().trustedBrowsers.find((browser) => browser.id === id)?.pid;
      return storer.endTrustedBrowser(owner ?? pid, id);
    },
  }),
  "ends all with one": (storer) => ({
    endTrustedBrowser: async (pid, id) => {
      const ended = await storer.endTrustedBrowser(pid, id);
      if (ended) await storer.endTrustedBrowsers(pid);
      return ended;
    },
  }),
  "ends nothing of what is dead": (storer) => ({
    endTrustedBrowser: async (pid, id) =>
      (await storer.listTrustedBrowsers(pid, LONG_AGO)).some((browser) => browser.id === id) && storer.endTrustedBrowser(pid, id),
  }),
  "sweeps what lives": (storer) => ({ sweep: (now, limit) => storer.sweep(later(now), limit) }),
  "sweeps none of them": () => ({ sweep: async () => 0 }),
  "says after closing that none is trusted": (storer) => ({
    findTrustedBrowser: (...call) => storer.findTrustedBrowser(...call).catch(() => null),
  }),
});
