/**
 * Delivers mails outside of any request. A mail waits sealed in the storer until a mail server has taken it, and is then removed: it is sent at least once, with the same Message-ID each
 * time. @module
 */
import { parseAddress } from "../addresses.ts";
import { meets } from "../capabilities/capability.ts";
import { type MailQueueOperations, mailQueueing, type QueuedMail } from "../capabilities/mail-queueing.ts";
import type { ServerStorer } from "../capabilities/server-storer.ts";
import { ConfigError, Unavailable } from "../errors.ts";
import type { KeyRing } from "../keys.ts";
import type { Logger } from "../logger.ts";
import type { Mail, Mailbox, Mailer } from "../messages.ts";
import { type Random, randomText } from "../random.ts";
import { after, type Clock, type Duration, days, hours, minutes, seconds } from "../time.ts";
import { discreet } from "./mail-failure.ts";
import type { MailContent } from "./mail-view.ts";

const ID_BYTES = 16;
/** How many mails are with the mailer at once. Few: they wait there for its connections, and a mail that waits for longer than `PATIENCE` counts as not sent. */
const AT_ONCE = 5;
/** How long a claimed mail is ours alone. */
const LEASE = minutes(2);
/** How long a mailer may take over a mail: shorter than the lease, so that nobody sends it beside us. */
const PATIENCE = minutes(1);
/** How long the end of the process may wait for mails that are under way. They are due again after the lease. */
const FAREWELL = seconds(5);
/** The longest payload that the capability asks a storer to keep. */
const LONGEST = 65_536;
/** How long to wait after the first, second, … failure; the last one counts for all further ones. */
const BACK_OFF: readonly [Duration, ...Duration[]] = [seconds(30), minutes(2), minutes(10), minutes(30), hours(1), hours(3)];
/** A mail that nobody took for so long is given up, and logged. */
const GIVE_UP = days(3);

const PURPOSE = "mail";

/** What is sealed. `to` is `null` for a mail to nobody: it is queued all the same, so that neither time nor writes tell who has an account. */
interface Letter extends MailContent {
  readonly to: Mailbox | null;
}

export interface MailQueueSettings {
  readonly storer: ServerStorer;
  readonly keys: KeyRing;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mailer: Mailer;
  readonly from: Mailbox;
  readonly subjectPrefix: string;
}

export class MailQueue {
  readonly #settings: MailQueueSettings;
  readonly #underWay = new Set<Promise<unknown>>();
  #fetching: Promise<void> | null = null;
  #again = false;
  #left = 0;
  #stopped: Promise<unknown> | null = null;

  constructor(settings: MailQueueSettings) {
    this.#settings = settings;
  }

  /** Puts a mail into the queue and sees to its delivery, without waiting for it. */
  async put(to: Mailbox | null, content: MailContent): Promise<void> {
    const { keys, random, clock } = this.#settings;
    const id = randomText(random, ID_BYTES);
    const now = clock.now();
    const letter: Letter = { to: this.#checked(to), ...content };
    const payload = keys.seal(PURPOSE, id, JSON.stringify(letter));
    if (payload.length > LONGEST)
      throw new RangeError("a mail is too long to be queued: text and HTML together may have about 48,000 bytes");
    await this.#rows().queueMail({ id, payload, createdAt: now, dueAt: now });
    this.kick();
  }

  /** Delivers what is due, in the background. */
  kick(): void {
    this.deliver().catch((error: unknown) =>
      this.#settings.logger.warn("mails could not be fetched from the queue; the next round tries again", { error }),
    );
  }

  /**
   * Delivers what is due, and answers how many mails have left the queue meanwhile. Waits for those that are under way already; what is put in later is on its way by itself. A mail that a server
   * takes its time over holds up no other.
   */
  async deliver(): Promise<number> {
    const before = this.#left;
    this.#again = true;
    this.#fetching ??= this.#fetch();
    await this.#fetching;
    await Promise.all(this.#underWay);
    return this.#left - before;
  }

  /** Takes no more mails, and waits a moment for those that are under way. */
  async stop(): Promise<void> {
    // What failed was logged by whoever began it; what is late is sent after the next start.
    this.#stopped ??= within(FAREWELL, Promise.all([this.#fetching, ...this.#underWay])).catch(() => null);
    await this.#stopped;
  }

  async #fetch(): Promise<void> {
    // `#fetching` is set before anything can fail.
    await Promise.resolve();
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        while (this.#underWay.size >= AT_ONCE) await Promise.race(this.#underWay);
        const room = AT_ONCE - this.#underWay.size;
        const now = this.#settings.clock.now();
        const mails = await this.#rows().claimMails(now, after(now, LEASE), room);
        for (const mail of mails) this.#begin(mail);
        if (mails.length === room) this.#again = true;
      }
    } finally {
      // In the same breath as the last look at `#again`: a call in between would be forgotten.
      this.#fetching = null;
    }
  }

  #begin(mail: QueuedMail): void {
    const work = this.#deliver(mail)
      .then((hasLeft) => {
        if (hasLeft) this.#left += 1;
      })
      .catch((error: unknown) =>
        this.#settings.logger.warn("the queue could not be told what became of a mail; it is sent once more", { mail: mail.id, error }),
      )
      .finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #deliver(queued: QueuedMail): Promise<boolean> {
    const { clock, logger, mailer } = this.#settings;
    const mail = this.#open(queued);
    if (!mail) return this.#rows().removeMail(queued.id);
    try {
      await within(PATIENCE, mailer.send(mail));
    } catch (failure) {
      const error = discreet(failure);
      const now = clock.now();
      if (now >= after(queued.createdAt, GIVE_UP)) {
        logger.error("a mail was given up after many tries", { mail: queued.id, attempts: queued.attempts, error });
        return this.#rows().removeMail(queued.id);
      }
      const wait = BACK_OFF[Math.min(queued.attempts, BACK_OFF.length) - 1] ?? BACK_OFF[0];
      logger.warn("a mail could not be sent; it stays in the queue", { mail: queued.id, attempts: queued.attempts, error });
      await this.#rows().postponeMail(queued.id, after(now, wait));
      return false;
    }
    return this.#rows().removeMail(queued.id);
  }

  /** `null` for a mail to nobody, and for one that no key opens any more. */
  #open({ id, payload }: QueuedMail): Mail | null {
    const { keys, logger, from, subjectPrefix } = this.#settings;
    const text = keys.open(PURPOSE, id, payload);
    if (text === null) {
      logger.error("a queued mail was sealed by a key that is gone; it is dropped", { mail: id });
      return null;
    }
    const { to, subject, ...content } = JSON.parse(text) as Letter; // sealed by `put`
    if (to === null) return null;
    // As the mail itself will say it: a Message-ID is ASCII.
    const sender = parseAddress(from.address) ?? from.address;
    const host = sender.slice(sender.lastIndexOf("@") + 1);
    return { ...content, to, from, subject: subjectPrefix + subject, messageId: `<${id}@${host}>` };
  }

  /** An address that is not one is nobody's: no try would ever deliver to it. */
  #checked(to: Mailbox | null): Mailbox | null {
    const address = to && parseAddress(to.address);
    if (to && address === null) this.#settings.logger.error("a mail has no proper address; nobody gets it");
    return to && address !== null ? { ...to, address } : null;
  }

  #rows(): MailQueueOperations {
    const { storer } = this.#settings;
    if (!meets(storer, mailQueueing))
      throw new ConfigError([`mails need a storer with the capability "mail-queueing": add its operations`]);
    return storer;
  }
}

/** What `work` comes to, or a rejection when it takes too long. By the machine's time, as everything that waits for a network. */
async function within<T>(patience: Duration, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Unavailable("it took too long")), patience).unref();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
