/** How a gate sends mails: what modules and the application hand in, where it waits, and who fetches it. @module */
import { parseAddress } from "../addresses.ts";
import { meets } from "../capabilities/capability.ts";
import { mailQueueing } from "../capabilities/mail-queueing.ts";
import type { ServerStorer } from "../capabilities/server-storer.ts";
import { ConfigError } from "../errors.ts";
import type { OwnMail } from "../gate-types.ts";
import type { KeyRing } from "../keys.ts";
import type { Logger } from "../logger.ts";
import type { Mailbox, Mailer } from "../messages.ts";
import type { MailOptions } from "../options.ts";
import type { Random } from "../random.ts";
import { type Clock, seconds } from "../time.ts";
import { MailQueue } from "./mail-queue.ts";
import type { MailTools, MailView } from "./mail-view.ts";

const EVERY = seconds(15);
const NO_SENDER = "`mail.from` is needed to send mails: say who they come from";

export interface PostOfficeSettings {
  readonly mail: MailOptions | undefined;
  readonly mailer: Mailer;
  readonly storer: ServerStorer;
  readonly keys: KeyRing;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isReady: () => boolean;
}

export interface PostOffice {
  /** Whether mails of modules can be sent: there is a sender, and the storer keeps a queue. */
  readonly isOpen: boolean;
  /** Queues a mail of a module. */
  send<Data>(view: MailView<Data>, data: Data, to: Mailbox | null, tools: MailTools): Promise<void>;
  /** A mail of the application: through the queue where there is one, else at once. */
  sendOwn(mail: OwnMail): Promise<void>;
  /** Delivers what is due; answers how many mails left the queue. */
  deliver(): Promise<number>;
  /** Stops the timer and waits for what is being delivered. */
  close(): Promise<void>;
}

export function postOffice({ mail, mailer, storer, isReady, ...parts }: PostOfficeSettings): PostOffice {
  const subjectPrefix = mail?.subjectPrefix ?? "";
  const queue = mail && meets(storer, mailQueueing) ? new MailQueue({ ...parts, storer, mailer, from: mail.from, subjectPrefix }) : null;
  const every = mail?.every === undefined ? EVERY : mail.every;
  const look = (): void => {
    if (isReady()) queue?.kick();
  };
  const timer = queue && every !== null ? setInterval(look, every).unref() : undefined;
  return {
    isOpen: queue !== null,
    async send(view, data, to, tools) {
      if (!mail) throw new ConfigError([NO_SENDER]);
      if (!queue) throw new ConfigError(['mails of modules need a storer with the capability "mail-queueing": add its operations']);
      await queue.put(to, mail.overrides?.[view.name]?.(data, tools) ?? view.content(data, tools));
    },
    async sendOwn({ to, subject, text, html }) {
      if (!mail) throw new ConfigError([NO_SENDER]);
      const address = parseAddress(to.address);
      if (address === null) throw new RangeError("gate.email: `to.address` is not one e-mail address");
      const content = { subject, text, ...(html !== undefined && { html }) };
      if (queue) return queue.put({ ...to, address }, content);
      await mailer.send({ ...content, from: mail.from, to: { ...to, address }, subject: subjectPrefix + subject });
    },
    deliver: async () => queue?.deliver() ?? 0,
    async close() {
      clearInterval(timer);
      await queue?.stop();
    },
  };
}
