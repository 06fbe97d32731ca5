import { strict as assert } from "node:assert";
import { createServer } from "node:net";
import { ConfigError, type Mail, type Mailer, parseAddress, seconds, Unavailable } from "@castellan/core";
import type { SMTPServerOptions } from "smtp-server";
import { afterEach, describe, it } from "vitest";
import { type SmtpOptions, smtpMailer } from "../dist/mail/index.js";
import { certificate, type MailServer, mailServer } from "./mail-server.ts";

const opened: { close?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close?.();
});

const serve = async (options?: SMTPServerOptions): Promise<MailServer> => {
  const server = await mailServer(options);
  opened.push(server);
  return server;
};

const mailerFor = (server: { readonly port: number }, options: Partial<SmtpOptions> = {}): Mailer => {
  const mailer = smtpMailer({ host: "localhost", port: server.port, tls: { ca: certificate }, ...options });
  opened.push(mailer);
  return mailer;
};

const mail: Mail = {
  to: { name: "Ann", address: "ann@example.com" },
  from: { name: "Castellan", address: "gate@example.com" },
  subject: "Confirm your address",
  text: "Open https://app.example.com/auth/confirm\n",
  messageId: "<abc123@app.example.com>",
};

const header = (raw: string, name: string): string[] =>
  raw
    .split("\r\n\r\n", 1)
    .join()
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n")
    .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));

describe("a mail by SMTP", () => {
  it("T06.14: goes over STARTTLS and arrives as it was written, text and HTML, with the message id that it was given", async () => {
    const server = await serve();
    await mailerFor(server).send({ ...mail, html: "<p>Open <a href='https://app.example.com/auth/confirm'>this</a></p>" });
    const [taken] = server.taken;
    assert.ok(taken);
    assert.equal(taken.overTls, true);
    assert.equal(taken.sender, "gate@example.com");
    assert.deepEqual(taken.recipients, ["ann@example.com"]);
    assert.deepEqual(taken.parsed.from, { name: "Castellan", address: "gate@example.com" });
    assert.deepEqual(taken.parsed.to, [{ name: "Ann", address: "ann@example.com" }]);
    assert.equal(taken.parsed.subject, mail.subject);
    assert.equal(taken.parsed.text?.trim(), mail.text.trim());
    assert.match(taken.parsed.html ?? "", /<a href='https:\/\/app\.example\.com\/auth\/confirm'>/);
    assert.equal(taken.parsed.messageId, mail.messageId);
    assert.deepEqual(header(taken.raw, "Auto-Submitted"), ["Auto-Submitted: auto-generated"]);
  });

  it("carries names, subjects and texts in any script", async () => {
    const server = await serve();
    const to = { name: 'Åsa Ðorðević, "小林" <x>', address: "asa@bücher.example" };
    const subject = "Bitte bestätigen: 確認してください 🏰";
    await mailerFor(server).send({ ...mail, to, subject, text: "Grüße aus Zürich, こんにちは\n.\nnach dem Punkt\n" });
    const [taken] = server.taken;
    assert.ok(taken);
    // The server shows recipients in Unicode; what went over the line is what the header says.
    assert.deepEqual(taken.recipients.map(parseAddress), ["asa@xn--bcher-kva.example"]);
    assert.match(header(taken.raw, "To").join(), /<asa@xn--bcher-kva\.example>$/);
    assert.deepEqual(taken.parsed.to, [{ name: to.name, address: "asa@xn--bcher-kva.example" }]);
    assert.equal(taken.parsed.subject, subject);
    assert.equal(taken.parsed.text?.trim(), "Grüße aus Zürich, こんにちは\n.\nnach dem Punkt");
  });

  it("shares one connection among mails, and after close() there is none", async () => {
    const server = await serve();
    const mailer = mailerFor(server, { connections: 1 });
    for (let count = 0; count < 5; count += 1) await mailer.send(mail);
    assert.equal(server.taken.length, 5);
    assert.equal(server.connections(), 1);
    await mailer.close?.();
    await assert.rejects(mailer.send(mail), Unavailable);
    assert.equal(server.connections(), 1);
  });
});

describe("signing in at the mail server", () => {
  const withPassword: SMTPServerOptions = {
    authOptional: false,
    onAuth: ({ username, password }, _session, callback) =>
      password === "p@ss/word" ? callback(null, { user: username }) : callback(new Error("wrong password")),
  };

  it("takes user and password from the options, and percent-encoded from a URL", async () => {
    const server = await serve(withPassword);
    await mailerFor(server, { user: "gate", password: "p@ss/word" }).send(mail);
    assert.deepEqual(
      server.taken.map(({ user, overTls }) => ({ user, overTls })),
      [{ user: "gate", overTls: true }],
    );
    const plain = await serve({ ...withPassword, hideSTARTTLS: true, disabledCommands: ["STARTTLS"], allowInsecureAuth: true });
    const byUrl = smtpMailer(`smtp://gate:p%40ss%2Fword@127.0.0.1:${plain.port}?dangerouslyAllowPlaintext=true`);
    opened.push(byUrl);
    await byUrl.send(mail);
    assert.equal(plain.taken[0]?.user, "gate");
  });

  it("rejects where the server does not take the password, and does not say the password", async () => {
    const server = await serve(withPassword);
    await assert.rejects(mailerFor(server, { user: "gate", password: "hunter-two" }).send(mail), (error) => {
      assert.ok(error instanceof Unavailable);
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /hunter-two/);
      return true;
    });
    assert.deepEqual(server.taken, []);
  });
});

describe("TLS", () => {
  it("is required: a server without STARTTLS gets no mail and no password", async () => {
    let asked = 0;
    const server = await serve({
      hideSTARTTLS: true,
      disabledCommands: ["STARTTLS"],
      onAuth: (_auth, _session, callback) => {
        asked += 1;
        callback(null, { user: "gate" });
      },
    });
    await assert.rejects(mailerFor(server, { user: "gate", password: "secret" }).send(mail), Unavailable);
    assert.equal(asked, 0);
    assert.deepEqual(server.taken, []);
  });

  it("needs a certificate that can be trusted and is of that host", async () => {
    const server = await serve();
    await assert.rejects(mailerFor(server, { tls: {} }).send(mail), Unavailable);
    await assert.rejects(mailerFor(server, { tls: { ca: certificate, servername: "mail.example.com" } }).send(mail), Unavailable);
    assert.deepEqual(server.taken, []);
  });

  it("can be done without where a URL says so dangerously", async () => {
    const server = await serve({ hideSTARTTLS: true, disabledCommands: ["STARTTLS"] });
    const mailer = smtpMailer(`smtp://127.0.0.1:${server.port}?dangerouslyAllowPlaintext=true`);
    opened.push(mailer);
    await mailer.send(mail);
    assert.deepEqual(
      server.taken.map(({ overTls }) => overTls),
      [false],
    );
  });

  it("can begin with the first byte", async () => {
    const server = await serve({ secure: true });
    await mailerFor(server, { implicitTls: true }).send(mail);
    assert.deepEqual(
      server.taken.map(({ overTls }) => overTls),
      [true],
    );
  });
});

describe("a server that does not take the mail", () => {
  it("makes the sending reject: refused recipient, refused sender, refused text", async () => {
    const no = (_of: unknown, _session: unknown, callback: (error: Error) => void): void => callback(new Error("no thanks"));
    for (const refusal of [{ onRcptTo: no }, { onMailFrom: no }]) {
      const server = await serve(refusal);
      await assert.rejects(mailerFor(server).send(mail), Unavailable);
      assert.deepEqual(server.taken, []);
    }
    const full = await serve({
      onData(stream, _session, callback) {
        stream.resume();
        stream.on("end", () => callback(new Error("mailbox full")));
      },
    });
    await assert.rejects(mailerFor(full).send(mail), (error) => error instanceof Unavailable && /mailbox full/.test(String(error.cause)));
  });

  it("is not waited for without end", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    opened.push({ close: () => new Promise((resolve) => silent.close(() => resolve())) });
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await assert.rejects(mailerFor({ port }, { timeout: seconds(0.05) }).send(mail), Unavailable);
  });

  it("that is not there is an error too, and the next mail goes through once it is", async () => {
    const server = await serve();
    let away = true;
    const flaky = await serve({ onMailFrom: (_from, _session, callback) => callback(away ? new Error("later") : null) });
    const mailer = mailerFor(flaky);
    await assert.rejects(mailer.send(mail), Unavailable);
    away = false;
    await mailer.send(mail);
    assert.equal(flaky.taken.length, 1);
    await server.close();
    await assert.rejects(mailerFor(server).send(mail), Unavailable);
  });
});

describe("hostile input", () => {
  const addresses = [
    "victim@example.com\r\nBcc: evil@example.net",
    "victim@example.com\nBcc: evil@example.net",
    "victim@example.com\rBcc: evil@example.net",
    "victim@example.com%0d%0aBcc: evil@example.net",
    "victim@example.com\u2028Bcc: evil@example.net",
    "=?utf-8?q?victim=40example.com=0D=0ABcc:evil?=@example.net ",
    '"evil@example.net"@example.com',
    '"evil@example.net> x"@example.com',
    "victim@example.com(evil@example.net)",
    "(evil@example.net)victim@example.com",
    "<evil@example.net> victim@example.com",
    "victim@example.com >evil@example.net",
    "evil@example.net;victim@example.com",
    "evil@example.net,victim@example.com",
    "victim@example.com .evil.example.net",
    "victim@example.com@evil.example.net",
    "group:evil@example.net,victim@example.com;",
    "@evil.example.net:victim@example.com",
    "victim@example.com\0",
    " victim@example.com",
    "victim@exam\tple.com",
    "victim@[127.0.0.1]",
    "victim@example..com",
    ".victim@example.com",
    "victim",
    "",
  ];

  it("R92 R93 an address that is not exactly one plain address is never sent to or from", async () => {
    const server = await serve();
    const mailer = mailerFor(server);
    for (const address of addresses) {
      await assert.rejects(mailer.send({ ...mail, to: { address } }), RangeError, `to ${address}`);
      await assert.rejects(mailer.send({ ...mail, from: { address } }), RangeError, `from ${address}`);
    }
    assert.equal(server.connections(), 0);
  });

  it("R92 names and subjects make no header and add nobody", async () => {
    const server = await serve();
    const mailer = mailerFor(server);
    const lines = [
      "Ann\r\nBcc: evil@example.net",
      "Ann\nBcc: evil@example.net\n\nanother text",
      "Ann\rBcc: evil@example.net",
      "Ann\u2028Bcc: evil@example.net",
      "Ann\u0085Bcc: evil@example.net",
      "=?utf-8?q?Ann=0D=0ABcc:_evil@example.net?=",
      'Ann" <evil@example.net>, "',
      "Ann <evil@example.net>",
      "evil@example.net, Ann",
      "Ann\u202e\u2066moc.elpmaxe@live",
    ];
    for (const line of lines) await mailer.send({ ...mail, to: { name: line, address: mail.to.address }, subject: line });
    for (const [place, taken] of server.taken.entries()) {
      assert.deepEqual(taken.recipients, ["ann@example.com"], lines[place]);
      assert.deepEqual(
        taken.parsed.to?.map(({ address }) => address),
        ["ann@example.com"],
      );
      for (const name of ["Bcc", "Cc"]) assert.deepEqual(header(taken.raw, name), []);
      for (const name of ["To", "From", "Subject"]) assert.equal(header(taken.raw, name).length, 1);
      assert.doesNotMatch(`${taken.parsed.subject} ${taken.parsed.to?.[0]?.name}`, /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
      assert.doesNotMatch(taken.parsed.text ?? "", /another text/);
    }
    assert.equal(server.taken.length, lines.length);
  });

  it("R92 a message id that is more than one is refused", async () => {
    const mailer = mailerFor({ port: 9 });
    for (const messageId of ["", "abc", "<a@b>\r\nBcc: evil@example.net", "<a@b> <c@d>", `<${"a".repeat(300)}@b>`, "<a b@c>"]) {
      await assert.rejects(mailer.send({ ...mail, messageId }), RangeError, messageId);
    }
  });

  it("a text that is no string is refused, so that no file is read for it", async () => {
    const mailer = mailerFor({ port: 9 });
    // Plain JavaScript could do this; the types do not let us.
    const text = { path: "/etc/passwd" } as unknown as string;
    await assert.rejects(mailer.send({ ...mail, text }), TypeError);
    await assert.rejects(mailer.send({ ...mail, html: text }), TypeError);
  });
});

describe("a URL that cannot be used", () => {
  it("T06.15: is a ConfigError that does not repeat the password", () => {
    const urls = ["not a url hunter-two", "http://gate:hunter-two@mail.example.com", "smtp://gate:hunter-two%@mail.example.com"];
    urls.push(
      "smtp://gate:hunter-two@mail.example.com?tls.rejectUnauthorized=false",
      "smtp://m.example.com?dangerouslyAllowPlaintext=maybe",
    );
    for (const url of urls) {
      assert.throws(
        () => smtpMailer(url),
        (error) => error instanceof ConfigError && !error.message.includes("hunter-two"),
        url,
      );
    }
  });
});
