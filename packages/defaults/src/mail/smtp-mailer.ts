/** Sends mail by SMTP, through nodemailer. @module */
import { type Mail, type Mailbox, type Mailer, Unavailable } from "@castellan/core";
import { checkedMail } from "./checked-mail.ts";
import { type SmtpOptions, type SmtpServer, smtpServer } from "./smtp-server.ts";

async function connect(server: SmtpServer) {
  // Loaded here: an application that sends no mail in this process need not pay for it.
  const { createTransport } = await import("nodemailer");
  const { host, port, implicitTls, user, password = "", clientName, timeout, connections, tls, dangerouslyAllowPlaintext } = server;
  return createTransport({
    pool: true,
    maxConnections: connections,
    host,
    port,
    secure: implicitTls,
    requireTLS: !implicitTls && !dangerouslyAllowPlaintext,
    ...(user !== undefined && { auth: { user, pass: password } }),
    ...(clientName !== undefined && { name: clientName }),
    ...(tls && { tls }),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    // A connection that nobody uses would keep the process alive.
    idleTimeout: timeout,
    // A mail here is text: nothing in it is the name of a file or of a page to be fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

type Transport = Awaited<ReturnType<typeof connect>>;

/** Always an object: a string would be parsed, and a parser can be led astray. */
const mailbox = ({ name = "", address }: Mailbox) => ({ name, address });

async function deliver(transport: Transport, mail: Mail): Promise<void> {
  const { rejected } = await transport.sendMail({
    from: mailbox(mail.from),
    to: mailbox(mail.to),
    // Where the mail goes is said here, and not read out of the headers by anybody.
    envelope: { from: mail.from.address, to: [mail.to.address] },
    subject: mail.subject,
    text: mail.text,
    ...(mail.html !== undefined && { html: mail.html }),
    ...(mail.messageId !== undefined && { messageId: mail.messageId }),
    // Keeps out-of-office replies away (RFC 3834).
    headers: { "Auto-Submitted": "auto-generated" },
  });
  if (rejected.length > 0) throw new Error("the server refused the recipient");
}

/**
 * A {@link Mailer} for an SMTP server: `smtp://user:password@host:587` (STARTTLS, required), `smtps://…:465` (TLS from the first byte), or
 * {@link SmtpOptions}. Keeps a few connections open between mails; `close()` ends them.
 */
export function smtpMailer(server: string | SmtpOptions): Mailer {
  const settings = smtpServer(server);
  let connecting: Promise<Transport> | undefined;
  let closed = false;
  return {
    async send(mail) {
      const checked = checkedMail(mail);
      if (closed) throw new Unavailable("the mailer is closed");
      connecting ??= connect(settings);
      try {
        await deliver(await connecting, checked);
      } catch (cause) {
        throw new Unavailable("the mail server did not take a mail", { cause });
      }
    },
    async close() {
      closed = true;
      (await connecting)?.close();
    },
  };
}
