import { type Duration, days, type RememberSeries } from "@castellan/core";
import { expirableConformance, type MemoryStorer, mailQueueingConformance, rememberableConformance } from "@castellan/testkit";
import { catches, earlier, LONG_AGO, later, roundTrip } from "./mutant.ts";

const seriesOf = (storer: MemoryStorer, selector: string) => storer.dump().series.find((row) => row.selector === selector);

/** Does `react` when a theft was answered. */
const afterTheft = (react: (storer: MemoryStorer, series: RememberSeries) => Promise<unknown>) => (storer: MemoryStorer) => ({
  rotateRememberSeries: async (...call: Parameters<MemoryStorer["rotateRememberSeries"]>) => {
    const series = seriesOf(storer, call[0].selector);
    const answer = await storer.rotateRememberSeries(...call);
    if (answer?.kind === "stolen" && series) await react(storer, series);
    return answer;
  },
});

const graceOf = (change: (grace: Duration) => number) => (storer: MemoryStorer) => ({
  rotateRememberSeries: (...[proof, next, grace, now]: Parameters<MemoryStorer["rotateRememberSeries"]>) =>
    storer.rotateRememberSeries(proof, next, change(grace) as Duration, now),
});

catches(rememberableConformance, {
  "compares the secret first and replaces it afterwards": (storer) => ({
    rotateRememberSeries: async (proof, next, grace, now) => {
      const series = seriesOf(storer, proof.selector);
      const isRight = series?.verifierHash === proof.verifierHash && series.expiresAt > now;
      await roundTrip();
      const answer = await storer.rotateRememberSeries(proof, next, grace, now);
      return isRight && answer?.kind === "grace" ? { ...answer, kind: "rotated", expiresAt: series.expiresAt } : answer;
    },
  }),
  "takes a parallel request for theft": graceOf(() => 0),
  "lets the grace never end": graceOf(() => days(9_999)),
  "lets the grace be a millisecond too long": graceOf((grace) => grace + 1),
  "lets the grace be a millisecond too short": graceOf((grace) => grace - 1),
  "rotates in grace too": (storer) => ({
    rotateRememberSeries: async (proof, next, grace, now) => {
      const answer = await storer.rotateRememberSeries(proof, next, grace, now);
      const current = answer?.kind === "grace" && seriesOf(storer, proof.selector);
      if (current) await storer.rotateRememberSeries(current, next, grace, now);
      return answer;
    },
  }),
  "lets a stolen series live": afterTheft((storer, series) => storer.addRememberSeries(series)),
  "ends every series of the user after a theft": afterTheft((storer, { pid }) => storer.endRememberSeriesOf(pid, null)),
  "knows nothing of theft": (storer) => ({
    rotateRememberSeries: async (...call) => {
      const answer = await storer.rotateRememberSeries(...call);
      return answer?.kind === "stolen" ? null : answer;
    },
  }),
  "moves the end with each rotation": (storer) => ({
    rotateRememberSeries: async (...call) => {
      const answer = await storer.rotateRememberSeries(...call);
      return answer?.kind === "rotated" ? { ...answer, expiresAt: later(answer.expiresAt) } : answer;
    },
  }),
  "lets a series live for a millisecond too long": (storer) => ({
    rotateRememberSeries: async (proof, next, grace, now) => {
      const isEnd = seriesOf(storer, proof.selector)?.expiresAt.getTime() === now.getTime();
      return storer.rotateRememberSeries(proof, next, grace, isEnd ? earlier(now) : now);
    },
  }),
  "remembers under whatever epoch the user is of": (storer) => ({
    addRememberSeries: async (series) => storer.addRememberSeries({ ...series, epoch: (await storer.load(series.pid))?.epoch ?? 0 }),
  }),
  "checks the epoch first and stores the series afterwards": (storer) => ({
    addRememberSeries: async (series) => {
      if ((await storer.load(series.pid))?.epoch !== series.epoch) return false;
      await roundTrip();
      return storer.addRememberSeries({ ...series, epoch: (await storer.load(series.pid))?.epoch ?? 0 });
    },
  }),
  "overwrites a series of the same selector": (storer) => ({
    addRememberSeries: async (series) => {
      await storer.endRememberSeries(series.selector);
      return storer.addRememberSeries(series);
    },
  }),
  "spares nothing": (storer) => ({ endRememberSeriesOf: (pid) => storer.endRememberSeriesOf(pid, null) }),
  "takes the selector to spare without regard to case": (storer) => ({
    endRememberSeriesOf: (pid, except) => {
      const spared = storer.dump().series.find(({ selector }) => selector.toLowerCase() === except?.toLowerCase());
      return storer.endRememberSeriesOf(pid, spared?.selector ?? null);
    },
  }),
  "ends nothing where it is to spare an unknown one": (storer) => ({
    endRememberSeriesOf: async (pid, except) =>
      except !== null && !seriesOf(storer, except) ? 0 : storer.endRememberSeriesOf(pid, except),
  }),
  "answers that every end ended something": (storer) => ({
    endRememberSeries: async (selector) => {
      await storer.endRememberSeries(selector);
      return true;
    },
  }),
  "sweeps a live series": (storer) => ({ sweep: (now, limit) => storer.sweep(later(now), limit) }),
});

catches(expirableConformance, {
  "looks first and takes afterwards": (storer) => ({
    takeExpiredSignIn: async (key, now) => {
      const signIn = storer.dump().signIns.get(key);
      const user = signIn && (await storer.load(signIn.pid));
      if (!signIn || user?.epoch !== signIn.epoch || signIn.idleEndsAt > now) return null;
      await roundTrip();
      await storer.endSignIn(key);
      return signIn;
    },
  }),
  "takes a sign-in that lives for another millisecond": (storer) => ({
    takeExpiredSignIn: (key, now) => storer.takeExpiredSignIn(key, later(now)),
  }),
  "takes a sign-in a millisecond too late": (storer) => ({ takeExpiredSignIn: (key, now) => storer.takeExpiredSignIn(key, earlier(now)) }),
  "takes a live sign-in": (storer) => ({
    takeExpiredSignIn: async (key, now) => {
      const signIn = storer.dump().signIns.get(key);
      const taken = await storer.takeExpiredSignIn(key, now);
      if (!taken && signIn && signIn.idleEndsAt > now) await storer.endSignIn(key);
      return taken;
    },
  }),
  "answers an expired sign-in and leaves it": (storer) => ({
    takeExpiredSignIn: async (key, now) => {
      const signIn = storer.dump().signIns.get(key);
      const user = signIn && (await storer.load(signIn.pid));
      return signIn && user?.epoch === signIn.epoch && signIn.idleEndsAt <= now ? signIn : null;
    },
  }),
  "takes a sign-in of another epoch": (storer) => ({
    takeExpiredSignIn: async (key, now) => {
      const signIn = storer.dump().signIns.get(key);
      const isOver = signIn && signIn.idleEndsAt <= now;
      return isOver && (await storer.endSignIn(key)) ? signIn : storer.takeExpiredSignIn(key, now);
    },
  }),
  "goes by its own clock": (storer) => ({ takeExpiredSignIn: (key) => storer.takeExpiredSignIn(key, new Date(LONG_AGO)) }),
  "says that nothing has expired when its database is away": (storer) => ({
    takeExpiredSignIn: (key, now) => storer.takeExpiredSignIn(key, now).catch(() => null),
  }),
});

/** Claims the mails that `pick` picks of those that wait, and no other. */
const claimsBy = (pick: (due: MemoryMails, limit: number) => MemoryMails) => (storer: MemoryStorer) => ({
  claimMails: async (now: Date, until: Date, limit: number) => {
    const waiting = storer.dump().mails.filter(({ dueAt }) => dueAt <= now);
    const picked = pick(waiting, limit);
    for (const { id } of waiting) await storer.postponeMail(id, picked.some((mail) => mail.id === id) ? LONG_AGO : until);
    const claimed = await storer.claimMails(LONG_AGO, until, picked.length);
    for (const { id, dueAt } of waiting) if (!picked.some((mail) => mail.id === id)) await storer.postponeMail(id, dueAt);
    return claimed;
  },
});
type MemoryMails = ReturnType<MemoryStorer["dump"]>["mails"];

catches(mailQueueingConformance, {
  "looks first and claims afterwards": (storer) => ({
    claimMails: async (now, until, limit) => {
      const due = storer.dump().mails.filter(({ dueAt }) => dueAt <= now);
      await roundTrip();
      await storer.claimMails(now, until, limit);
      return due.slice(0, limit).map((mail) => ({ ...mail, attempts: mail.attempts + 1, dueAt: until }));
    },
  }),
  "hands out the newest first": claimsBy((due, limit) =>
    [...due].sort((one, other) => Number(other.dueAt) - Number(one.dueAt)).slice(0, limit),
  ),
  "hands out in the order of queueing": claimsBy((due, limit) => due.slice(0, limit)),
  "hands out more than it was asked for": (storer) => ({ claimMails: (now, until, limit) => storer.claimMails(now, until, limit + 1) }),
  "counts no attempt": (storer) => ({
    claimMails: async (now, until, limit) =>
      (await storer.claimMails(now, until, limit)).map((mail) => ({ ...mail, attempts: mail.attempts - 1 })),
  }),
  "hands out a mail a millisecond too early": (storer) => ({
    claimMails: async (now, until, limit) => storer.claimMails(later(now), until, limit),
  }),
  "hands out a mail a millisecond too late": (storer) => ({
    claimMails: async (now, until, limit) => storer.claimMails(earlier(now), until, limit),
  }),
  "loses a mail that was claimed": (storer) => ({
    claimMails: async (now, until, limit) => {
      const claimed = await storer.claimMails(now, until, limit);
      for (const { id } of claimed) await storer.removeMail(id);
      return claimed;
    },
  }),
  "answers when a mail was due instead of when it is due again": (storer) => ({
    claimMails: async (now, until, limit) => (await storer.claimMails(now, until, limit)).map((mail) => ({ ...mail, dueAt: now })),
  }),
  "makes a mail by postponing it": (storer) => ({
    postponeMail: (id, dueAt) => {
      const isThere = storer.dump().mails.some((mail) => mail.id === id);
      return isThere ? storer.postponeMail(id, dueAt) : storer.queueMail({ id, payload: "", createdAt: dueAt, dueAt });
    },
  }),
  "postpones by load, change, save": (storer) => ({
    postponeMail: async (id, dueAt) => {
      const mail = storer.dump().mails.find((row) => row.id === id);
      await roundTrip();
      if (mail) await storer.queueMail({ ...mail, dueAt });
    },
  }),
  "only ever postpones to later": (storer) => ({
    postponeMail: async (id, dueAt) => {
      const mail = storer.dump().mails.find((row) => row.id === id);
      if (mail && mail.dueAt < dueAt) await storer.postponeMail(id, dueAt);
    },
  }),
  "answers that every removed mail was there": (storer) => ({
    removeMail: async (id) => {
      await storer.removeMail(id);
      return true;
    },
  }),
  "cuts long mails off": (storer) => ({ queueMail: (mail) => storer.queueMail({ ...mail, payload: mail.payload.slice(0, 65_535) }) }),
  "sweeps mails that wait": (storer) => ({
    sweep: async (now, limit) => {
      for (const { id, dueAt } of storer.dump().mails) if (dueAt <= now) await storer.removeMail(id);
      return storer.sweep(now, limit);
    },
  }),
  "says that nothing waits when its database is away": (storer) => ({
    claimMails: (now, until, limit) => storer.claimMails(now, until, limit).catch(() => []),
  }),
});
