/** How this application answers: a page for a browser, JSON for a client, from the same address. @module */
import { layout } from "./layout.mjs";
import { problemPage } from "./pages.mjs";

/** @typedef {import("express").Request} Request */
/** @typedef {import("express").Response} Response */
/** @typedef {ReturnType<typeof answers>} Answers */

/**
 * @typedef {object} Answer
 * @property {string} title
 * @property {object} data What a JSON client gets.
 * @property {import("castellan").Html} body The same, for people.
 * @property {number} [status]
 */

/** @type {Readonly<Record<number, { reason: string, title: string, message: string }>>} */
const FAILURES = {
  404: { reason: "not_found", title: "Not found", message: "There is nothing at this address." },
  413: { reason: "body_too_large", title: "Too large", message: "What was sent is too large." },
  500: { reason: "internal_error", title: "Sorry", message: "Something went wrong on our side." },
  503: { reason: "unavailable", title: "Not available", message: "This is not available right now. Please try again in a moment." },
};

const OTHER_FAILURE = { reason: "invalid", title: "That did not work", message: "What was sent could not be understood." };

/** By Accept; where that prefers neither, by the type of the body: as Castellan's own routes do. @param {Request} req */
const wantsJson = (req) => req.accepts("html", "json") === "json" || (!req.accepts().includes("text/html") && Boolean(req.is("json")));

/** What this application keeps in the session. @param {Request} req @returns {{ notice?: string }} */
const sessionOf = (req) => /** @type {{}} */ (req.session);

/**
 * @param {import("./gate.mjs").Gate} gate
 * @param {{ hasOutbox: boolean }} settings
 */
export function answers(gate, { hasOutbox }) {
  /** What is said once: by Castellan ("You are signed in."), or by us. @param {Request} req @param {boolean} signedIn */
  const noticeFor = (req, signedIn) => {
    const flash = gate.flash(req);
    if (flash || !signedIn) return flash;
    const { notice } = sessionOf(req);
    if (notice === undefined) return null;
    delete sessionOf(req).notice;
    return { kind: /** @type {const} */ ("success"), text: notice };
  };

  /** @param {string} path @param {boolean} signedIn */
  const linksFrom = (path, signedIn) => {
    // The start page leads everywhere by itself.
    if (path === "/") return [];
    const links = signedIn
      ? [
          { href: "/account", text: "Your account" },
          { href: "/full", text: "Full sign-ins only" },
        ]
      : [
          { href: "/auth/login", text: "Sign in" },
          { href: "/auth/register", text: "Create an account" },
        ];
    if (hasOutbox) links.push({ href: "/dev/outbox", text: "Outbox" });
    return links.filter(({ href }) => href !== path);
  };

  /** @param {Request} req @param {Response} res @param {Answer} answer */
  const show = async (req, res, { title, data, body, status = 200 }) => {
    // Who is signed in shows on every page: none of them may be kept and shown to somebody else.
    res.status(status).set("cache-control", "no-store").vary("Accept");
    if (wantsJson(req)) return void res.json(data);
    // An error page must not fail because the database is what failed.
    const signedIn = (await gate.currentUser(req).catch(() => null)) !== null;
    const notice = status < 400 ? noticeFor(req, signedIn) : null;
    const signOutToken = signedIn ? gate.csrfToken(req) : null;
    const path = req.baseUrl + (req.baseUrl && req.path === "/" ? "" : req.path);
    res.send(layout({ title, body, notice, signOutToken, links: linksFrom(path, signedIn) }));
  };

  /** After something was changed: a browser goes on to a page that says so. @param {Request} req @param {Response} res @param {string} to @param {string} message */
  const done = (req, res, to, message) => {
    if (wantsJson(req)) return void res.json({ status: "success", message, location: to });
    sessionOf(req).notice = message;
    res.redirect(303, to);
  };

  /** @param {Request} req @param {Response} res @param {number} status */
  const fail = (req, res, status) => {
    const { title, ...told } = FAILURES[status] ?? OTHER_FAILURE;
    return show(req, res, { status, title, data: { status: "failure", ...told }, body: problemPage(told) });
  };

  return { show, done, fail };
}
