/** What the owner of an account is told by mail. @module */
import { defineMail, letter, type MailView } from "@castellan/core";

export const factorAddedMail: MailView<{ readonly factor: string }> = defineMail<{ readonly factor: string }>(
  "twofactor/factor-added",
  ({ factor }, { t, applicationName: application }) =>
    letter(t("twofactor.mail.added.subject", { factor }), [
      t("twofactor.mail.added.what", { application, factor }),
      t("twofactor.mail.todo"),
    ]),
);

export const factorRemovedMail: MailView<{ readonly factor: string }> = defineMail<{ readonly factor: string }>(
  "twofactor/factor-removed",
  ({ factor }, { t, applicationName: application }) =>
    letter(t("twofactor.mail.removed.subject", { factor }), [
      t("twofactor.mail.removed.what", { application, factor }),
      t("twofactor.mail.todo"),
    ]),
);

export const recoveryUsedMail: MailView<{ readonly left: number; readonly network: string }> = defineMail<{
  readonly left: number;
  readonly network: string;
}>("twofactor/recovery-used", ({ left, network }, { t, applicationName: application }) =>
  letter(t("twofactor.mail.recovery.subject"), [
    t("twofactor.mail.recovery.what", { application, network }),
    // A code that is gone is noticed when the next one is needed: so say in time that they come to an end.
    t(left > FEW ? "twofactor.mail.recovery.left" : "twofactor.mail.recovery.few", { left }),
    t("twofactor.mail.todo"),
  ]),
);

/** From here on people are told to make new ones. */
export const FEW = 3;

export const codesReplacedMail: MailView<object> = defineMail<object>(
  "twofactor/codes-replaced",
  (_data, { t, applicationName: application }) =>
    letter(t("twofactor.mail.codes.subject"), [t("twofactor.mail.codes.what", { application }), t("twofactor.mail.todo")]),
);

export const factorFailedMail: MailView<{ readonly network: string }> = defineMail<{ readonly network: string }>(
  "twofactor/factor-failed",
  ({ network }, { t, applicationName: application }) =>
    letter(t("twofactor.mail.failed.subject"), [
      t("twofactor.mail.failed.what", { application, network }),
      t("twofactor.mail.failed.todo"),
    ]),
);

export const authorizeMail: MailView<{ readonly link: string; readonly minutes: number }> = defineMail<{
  readonly link: string;
  readonly minutes: number;
}>("twofactor/authorize", ({ link, minutes }, { t, applicationName: application }) =>
  letter(t("twofactor.mail.authorize.subject"), [
    t("twofactor.mail.authorize.what", { application, minutes }),
    { link, label: t("twofactor.mail.authorize.link") },
    t("twofactor.mail.authorize.todo"),
  ]),
);
