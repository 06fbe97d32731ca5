/** What protects an account, on one page; and a form that asks for a second factor. @module */
import { minutes } from "castellan";
import { json, Router, urlencoded } from "express";
import { browserName } from "./browser-name.mjs";
import { securityPage, transferPage } from "./security-pages.mjs";

/**
 * @param {import("./gate.mjs").Gate} gate
 * @param {import("./answers.mjs").Answers} answer
 */
export function securityRoutes(gate, { show, done }) {
  const router = Router();

  router.get("/security", gate.require({ level: "full" }), async (req, res) => {
    const user = gate.user(req);
    const [recoveryCodes, oneTimePasswords, trusted] = await Promise.all([
      gate.twofactor.recoveryCodesLeft(user.pid),
      gate.otp.count(user.pid),
      gate.twofactor.trustedBrowsers(user.pid),
    ]);
    const data = {
      factors: gate.twofactor.methodsOf(user),
      recoveryCodes,
      oneTimePasswords,
      trustedBrowsers: trusted.map(({ id, userAgent, network, createdAt, expiresAt }) => ({
        id,
        browser: browserName(userAgent),
        network,
        since: createdAt.toISOString(),
        until: expiresAt.toISOString(),
      })),
      csrfToken: gate.csrfToken(req),
    };
    await show(req, res, { title: "Security", data, body: securityPage(data) });
  });

  const body = [urlencoded({ extended: false, limit: "16kb" }), json({ limit: "16kb" })];

  router.post("/security/trusted-browsers/end", gate.require({ level: "full" }), ...body, gate.csrf(), async (req, res) => {
    const ended = await gate.twofactor.endTrustedBrowser(gate.user(req).pid, String(req.body?.id ?? ""));
    done(req, res, "/security", ended ? "That browser is asked again." : "That browser was asked already.");
  });

  // Whoever comes back from giving a second factor finds the form as it was: `preserved` has the fields that were named below.
  router.get("/transfer", gate.require({ level: "full" }), async (req, res) => {
    const { to = "", amount = "" } = (await gate.preserved(req)) ?? {};
    const data = { to, amount, csrfToken: gate.csrfToken(req) };
    await show(req, res, { title: "A transfer", data, body: transferPage(data) });
  });

  const form = { at: "/transfer", preserve: ["to", "amount"] };
  router.post(
    "/transfer",
    ...body,
    gate.require({ level: "full", twoFactored: true, within: minutes(5), form }),
    gate.csrf(),
    (req, res) => {
      const { to, amount } = req.body ?? {};
      done(req, res, "/transfer", `${String(amount)} would be on the way to ${String(to)}.`);
    },
  );

  return router;
}
