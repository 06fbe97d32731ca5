/** A real SMTP server on a free port of this machine, and the mails that it took. @module */
import PostalMime, { type Email } from "postal-mime";
import { generate } from "selfsigned";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

// Made anew for each run, so that no key lies in the repository.
const made = await generate([{ name: "commonName", value: "localhost" }], {
  keyType: "ec",
  algorithm: "sha256",
  extensions: [
    {
      name: "subjectAltName",
      altNames: [
        { type: 2, value: "localhost" },
        { type: 7, ip: "127.0.0.1" },
      ],
    },
  ],
});

/** The certificate of every mail server of the tests, which nobody trusts unless told to. */
export const certificate = made.cert;

export interface Taken {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly overTls: boolean;
  readonly user: string | null;
  readonly raw: string;
  readonly parsed: Email;
}

export interface MailServer {
  readonly port: number;
  readonly taken: readonly Taken[];
  /** How many connections were opened. */
  connections(): number;
  close(): Promise<void>;
}

/** `port` is for a server that comes back where it was. */
export async function mailServer(options: SMTPServerOptions = {}, port = 0): Promise<MailServer> {
  const taken: Taken[] = [];
  let connections = 0;
  const server = new SMTPServer({
    key: made.private,
    cert: made.cert,
    authOptional: true,
    logger: false,
    // Mailers keep connections open; nobody is to wait for them.
    closeTimeout: 10,
    onConnect(_session, callback) {
      connections += 1;
      callback();
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", async () => {
        const raw = Buffer.concat(chunks).toString("utf8");
        const { mailFrom, rcptTo } = session.envelope;
        taken.push({
          sender: mailFrom ? mailFrom.address : "",
          recipients: rcptTo.map(({ address }) => address),
          overTls: session.secure,
          user: typeof session.user === "string" ? session.user : null,
          raw,
          parsed: await PostalMime.parse(raw),
        });
        callback();
      });
    },
    ...options,
  });
  // A client that hangs up on a certificate is what some tests are about.
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    taken,
    connections: () => connections,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
