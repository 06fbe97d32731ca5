/** Pages for people who are signed in. @module */
import { json, Router, urlencoded } from "express";
import { browserName } from "./browser-name.mjs";
import { testMail } from "./mails.mjs";
import { accountPage, confirmedPage, fullPage } from "./pages.mjs";
import { personOf } from "./person.mjs";

/**
 * @param {import("./gate.mjs").Gate} gate
 * @param {import("./answers.mjs").Answers} answer
 * @param {{ mailsStay: boolean, rootUrl: string }} settings
 */
export function accountRoutes(gate, { show, done }, { mailsStay, rootUrl }) {
  const router = Router();

  router.get("/account", gate.require(), async (req, res) => {
    const user = gate.user(req);
    const current = await gate.currentSignIn(req);
    const signIns = (await gate.signIns(user.pid)).map((signIn) => ({ ...listed(signIn), current: signIn.id === current?.id }));
    const data = { person: personOf(user), confirmed: gate.confirm.isConfirmed(user), signIns, csrfToken: gate.csrfToken(req) };
    const hasPassword = user.passwordHash !== null;
    await show(req, res, { title: "Your account", data, body: accountPage({ ...data, hasPassword, mailsStay }) });
  });

  router.get("/confirmed", gate.require(), gate.confirm.middleware(), async (req, res) => {
    const { email } = personOf(gate.user(req));
    await show(req, res, { title: "For confirmed addresses only", data: { email }, body: confirmedPage({ email }) });
  });

  router.get("/full", gate.require({ level: "full" }), async (req, res) => {
    const signIn = await gate.currentSignIn(req);
    const factors = (signIn?.factors ?? []).map(({ method, at }) => ({ method, at: at.toISOString() }));
    await show(req, res, { title: "For full sign-ins only", data: { factors }, body: fullPage({ factors }) });
  });

  // In front of everything that changes something: who it is, the body, and the token that only our own forms have.
  const guarded = [gate.require(), urlencoded({ extended: false, limit: "16kb" }), json({ limit: "16kb" }), gate.csrf()];

  router.post("/account/sign-ins/end", ...guarded, async (req, res) => {
    const ended = await gate.endSignIns(gate.user(req).pid, { id: String(req.body?.id ?? "") });
    done(req, res, "/account", ended > 0 ? "That sign-in is ended." : "That sign-in was over already.");
  });

  router.post("/account/sign-ins/end-others", ...guarded, async (req, res) => {
    await gate.endSignIns(gate.user(req).pid, { exceptThatOf: req });
    done(req, res, "/account", "You are signed out everywhere else.");
  });

  router.post("/account/test-mail", ...guarded, async (req, res) => {
    const { email, name } = personOf(gate.user(req));
    await gate.email({ to: { name, address: email }, ...testMail({ name, accountUrl: `${rootUrl}/account` }) });
    done(req, res, "/account", `A mail is on its way to ${email}.`);
  });

  return router;
}

/** @param {import("castellan").SignIn} signIn */
const listed = ({ id, userAgent, network, createdAt, seenAt }) => ({
  id,
  browser: browserName(userAgent),
  network,
  since: createdAt.toISOString(),
  seen: seenAt.toISOString(),
});
