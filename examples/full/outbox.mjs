/** The development outbox as a page: every mail and text message that would have been sent. @module */
import { Router } from "express";
import { outboxPage } from "./pages.mjs";

/**
 * Mails bring styles of their own, which their frames may use: a frame by `srcdoc` has the policy of its page. Scripts run in neither.
 * The frames are sandboxed, so that a mail can reach nothing of ours.
 */
const POLICY =
  "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

const LOOPBACK_ADDRESS = /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/;
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;

/**
 * Whoever sees the outbox can confirm and recover every account. So it answers this machine only, and only under a name of this machine: a page elsewhere can
 * let its own name point here and read what it gets.
 *
 * @param {import("express").Request} req
 */
const isFromHere = (req) =>
  // The connection's own address: what a header says can be made up.
  LOOPBACK_ADDRESS.test(req.socket.remoteAddress ?? "") && LOOPBACK_HOST.test(req.headers.host ?? "");

/**
 * @param {import("castellan").Outbox} outbox
 * @param {import("./answers.mjs").Answers} answer
 */
export function outboxRoutes(outbox, { show }) {
  const router = Router();
  router.use((req, _res, next) => next(isFromHere(req) ? undefined : "router"));
  router.get("/", async (req, res) => {
    const messages = outbox.messages().toReversed();
    res.set("content-security-policy", POLICY);
    await show(req, res, { title: "Outbox", data: { messages }, body: outboxPage({ messages }) });
  });
  return router;
}
