/** The mails of this module. @module */
import { defineMail, letter, type MailView } from "@castellan/core";

export interface ProofMailData {
  readonly link: string;
  readonly provider: string;
  readonly minutes: number;
}

export const oauth2ProofMail: MailView<ProofMailData> = defineMail<ProofMailData>(
  "oauth2/proof",
  ({ link, provider, minutes }, { t, applicationName: application }) =>
    letter(t("oauth2.proof.subject"), [
      t("oauth2.proof.what", { application, provider, minutes }),
      { link, label: t("oauth2.proof.link") },
      t("oauth2.proof.not_you"),
    ]),
);

export interface IdentityMailData {
  readonly provider: string;
  /** What the provider calls the person, or `"?"`. */
  readonly account: string;
}

export const identityLinkedMail: MailView<IdentityMailData> = defineMail<IdentityMailData>(
  "oauth2/linked",
  ({ provider, account }, { t, applicationName: application }) =>
    letter(t("oauth2.linked.subject"), [t("oauth2.linked.what", { application, provider, account }), t("oauth2.mail.todo")]),
);

export const identityUnlinkedMail: MailView<IdentityMailData> = defineMail<IdentityMailData>(
  "oauth2/unlinked",
  ({ provider, account }, { t, applicationName: application }) =>
    letter(t("oauth2.unlinked.subject"), [t("oauth2.unlinked.what", { application, provider, account }), t("oauth2.mail.todo")]),
);
