/** What mails say: in the language of whoever asked, in the application's own words, as text and as HTML. @module */
import assert from "node:assert/strict";
import { confirmMail } from "@castellan/confirm";
import { recoverMail } from "@castellan/recover";
import type { Localize, Mail } from "castellan";
import { describe, it } from "vitest";
import { ANN, BOB, registerAs, startMailing, tokenIn } from "./support/mails.ts";

const GERMAN: Readonly<Record<string, string>> = {
  "confirm.mail.subject": "Bitte bestätigen Sie Ihre Adresse",
  "confirm.mail.what": "Jemand, hoffentlich Sie, hat bei {application} ein Konto angelegt. Bestätigen Sie es hier:",
  "confirm.mail.link": "Adresse bestätigen",
  "confirm.mail.not_you": "Wenn Sie es nicht waren, brauchen Sie nichts zu tun.",
  "confirm.taken.subject": "Sie haben schon ein Konto",
  "recover.mail.subject": "Ein neues Passwort wählen",
  "recover.mail.what": "Innerhalb von {minutes} Minuten können Sie bei {application} ein neues Passwort wählen:",
  "reason.recovery_sent": "Wenn es dazu ein Konto gibt, ist eine E-Mail unterwegs.",
};

const localize: Localize = (key, parameters, locale) => {
  const text = locale === "de" ? GERMAN[key] : undefined;
  return text?.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name])) ?? null;
};

function mailbox() {
  const mails: Mail[] = [];
  const mailer = {
    async send(mail: Mail) {
      mails.push(mail);
    },
  };
  return { mails, mailer };
}

describe("the words of a mail", () => {
  it("are in the language that the request asks for, as those of the page; in the first one where it asks for none", async () => {
    const { mails, mailer } = mailbox();
    const app = await startMailing({ mailer, gate: { locales: ["en", "de"], localize, applicationName: "Burg" } });
    const german = { "Accept-Language": "de-CH, en;q=0.5" };
    await app.post("/auth/register", { email: ANN, password: "correct horse battery staple" }, german);
    const asked = await app.post("/auth/recover", { email: ANN }, german);
    await registerAs(app, BOB);
    await app.gate.deliverMails();
    const [confirmation, recovery, english] = mails;
    assert.equal(confirmation?.subject, "Bitte bestätigen Sie Ihre Adresse");
    assert.match(confirmation?.text ?? "", /hat bei Burg ein Konto angelegt/);
    assert.match(confirmation?.html ?? "", />Adresse bestätigen<\/a>/);
    assert.match(recovery?.text ?? "", /^Innerhalb von 60 Minuten/);
    assert.match(asked.text, /Wenn es dazu ein Konto gibt/);
    assert.equal(english?.subject, "Confirm your address");
  });

  it("are English where a translation is missing, and never a key", async () => {
    const { mails, mailer } = mailbox();
    const app = await startMailing({ mailer, gate: { locales: ["de"], localize } });
    await app.post("/auth/recover", { email: (await registerAs(app, ANN)).status === 200 ? ANN : "" });
    await app.gate.deliverMails();
    for (const { subject, text } of mails) assert.doesNotMatch(`${subject} ${text}`, /\b(confirm|recover)\.\w+\.\w+/);
    assert.match(mails[1]?.text ?? "", /your password stays as it is/);
  });

  it("can be the application's own, mail by mail, with the same data and tools; without HTML none is sent", async () => {
    const { mails, mailer } = mailbox();
    const app = await startMailing({
      mailer,
      gate: { applicationName: "Burg" },
      mail: {
        subjectPrefix: "[Burg] ",
        overrides: {
          [confirmMail.name]: ({ link }: { readonly link: string }, { applicationName, locale }) => ({
            subject: `Willkommen bei ${applicationName}`,
            text: `${locale}: ${link}`,
          }),
        },
      },
    });
    await registerAs(app, ANN);
    await app.post("/auth/recover", { email: ANN });
    await app.gate.deliverMails();
    const [own, usual] = mails;
    assert.deepEqual([own?.subject, own?.html], ["[Burg] Willkommen bei Burg", undefined]);
    assert.match(own?.text ?? "", /^en: https:/);
    assert.equal(usual?.subject, "[Burg] Choose a new password");
    assert.equal(recoverMail.name, "recover/mail");
    assert.equal((await app.post("/auth/confirm", { token: tokenIn(own?.text) })).status, 200);
  });

  it("are escaped in HTML and plain in text", async () => {
    const { mails, mailer } = mailbox();
    const app = await startMailing({ mailer, gate: { applicationName: `A & <b onclick="x">B</b>` } });
    await registerAs(app, ANN);
    await app.gate.deliverMails();
    assert.match(mails[0]?.text ?? "", /A & <b onclick="x">B<\/b>/);
    assert.match(mails[0]?.html ?? "", /A &amp; &lt;b onclick=&quot;x&quot;&gt;B&lt;\/b&gt;/);
    assert.doesNotMatch(mails[0]?.html ?? "", /<b /);
  });
});
