/** The application: what stands in front of everything, the start page, and what happens when nothing fits. @module */
import express from "express";
import { accountRoutes } from "./account.mjs";
import { answers } from "./answers.mjs";
import { outboxRoutes } from "./outbox.mjs";
import { startPage } from "./pages.mjs";
import { personOf } from "./person.mjs";
import { securityRoutes } from "./security.mjs";

/** For our own pages; Castellan's bring theirs. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * @param {import("./gate.mjs").Gate} gate
 * @param {import("./config.mjs").Settings} settings
 * @param {import("castellan").Outbox | null} outbox
 */
export function makeApp(gate, settings, outbox) {
  const answer = answers(gate, { hasOutbox: outbox !== null });
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.set("trust proxy", settings.trustProxy);
  app.use((_req, res, next) => {
    res.set(HEADERS);
    next();
  });

  app.use(gate.clientState());
  app.use("/auth", gate.router);

  app.get("/", async (req, res) => {
    const user = await gate.currentUser(req);
    const person = user && personOf(user);
    const title = person ? `Welcome, ${person.name}` : "Who goes there?";
    await answer.show(req, res, { title, data: { person }, body: startPage({ person, hasOutbox: outbox !== null }) });
  });
  app.use(accountRoutes(gate, answer, { mailsStay: settings.smtpUrl === null, rootUrl: settings.rootUrl }));
  app.use(securityRoutes(gate, answer));
  if (outbox) app.use("/dev/outbox", outboxRoutes(outbox, answer));

  app.use((req, res) => answer.fail(req, res, 404));
  /** @type {import("express").ErrorRequestHandler} */
  const onError = async (error, req, res, next) => {
    if (res.headersSent) return void next(error);
    const status = Number.isInteger(error?.status) ? error.status : 500;
    // What a client did wrong is no news; what we or the world did is.
    if (status >= 500) console.error(error);
    await answer.fail(req, res, status);
  };
  app.use(onError);
  return app;
}
