/** Mails of this application: functions from data to subject, text and, if there is more to show, HTML. @module */
import { html } from "castellan";
import { APPLICATION } from "./gate.mjs";

/** @param {{ name: string, accountUrl: string }} data */
export const testMail = ({ name, accountUrl }) => ({
  subject: "A test mail",
  text: `Hello ${name}

You asked ${APPLICATION} for a test mail: here it is.

Your account: ${accountUrl}
`,
  html: html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>A test mail</title></head>
<body style="margin: 0; padding: 24px; font: 16px/1.5 sans-serif; color: #181b25; background: #ffffff">
<main>
<h1 style="margin: 0 0 16px; font-size: 22px">Hello ${name}</h1>
<p>You asked ${APPLICATION} for a test mail: here it is.</p>
<p><a href="${accountUrl}" style="display: inline-block; padding: 12px 20px; border-radius: 8px; color: #ffffff; background: #3f4fc4">Your account</a></p>
</main>
</body>
</html>
`.markup,
});
