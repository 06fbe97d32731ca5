/** The suite as its README mounts it: one database for everything, session rows included (SQLite, unless another is named), and the defaults of a production site. @module */
import { auth } from "@castellan/auth";
import { logout } from "@castellan/logout";
import { recover } from "@castellan/recover";
import { register } from "@castellan/register";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { countingHasher } from "@castellan/testkit";
import { totp } from "@castellan/totp";
import { twofactor } from "@castellan/twofactor";
import { bcryptHasher, castellan, expressSessions, minutes, openStorer } from "castellan";
import express from "express";
import { serve, smallFile } from "../lib/serve.mjs";
import { told } from "../lib/told.mjs";

const { BENCH_FILE = ":memory:", BENCH_URI, BENCH_COST = "10", BENCH_COUNT, BENCH_FACTORS } = process.env;

// Counting and a clock of its own are for counted runs only: a measured server has neither.
const [statements, operations] = [[], []];
let ahead = 0;
const counting = BENCH_COUNT === "1";
const clock = { now: () => new Date(Date.now() + ahead) };

const opened = BENCH_URI
  ? await openStorer(BENCH_URI)
  : await sqlite({ file: BENCH_FILE, ...(counting && { onQuery: (sql) => statements.push(sql) }) });

// Forgotten passwords and codes of an app belong to what is counted, not to the site of the README.
const mails = [];
const factors = BENCH_FACTORS === "1" && {
  applicationName: "Bench",
  mail: { from: { address: "no-reply@app.example.test" }, every: null },
  mailer: { send: async (mail) => void mails.push(mail.text) },
};

const unlimited = { max: 1e9, per: minutes(15) };
const gate = castellan({
  rootUrl: "https://app.example.test",
  keys: ["keys-for-measuring-0123456789-abcdefghijkl"],
  sessions: expressSessions({ secret: "secret-for-measuring-0123456789-abcdefghijkl" }),
  storer: counting ? told(opened, (name) => operations.push(name)) : opened,
  hasher: BENCH_COST === "0" ? countingHasher() : bcryptHasher({ cost: Number(BENCH_COST) }),
  // The same work for each login and each registration, but no end to those from one address.
  limits: { "attempt/network": unlimited, "attempt/subject": unlimited, "register/network": unlimited },
  ...(counting && { clock }),
  ...factors,
  modules: {
    ...{ auth: auth(), logout: logout(), register: register() },
    ...(factors && { recover: recover(), twofactor: twofactor(), totp: totp() }),
  },
});

const app = express();
app.use(gate.clientState());
app.use("/auth", gate.router);
app.get("/public", (_req, res) => void res.send("ok"));
app.get("/file", async (_req, res) => void res.send(await smallFile()));
app.get("/me", gate.require({ respond: "unauthorized" }), (req, res) => void res.json({ login: gate.user(req).login }));
await gate.ready();
serve(app, {
  statements: () => statements.splice(0),
  operations: () => operations.splice(0),
  now: () => clock.now().getTime(),
  advance: (milliseconds) => {
    ahead += milliseconds;
  },
  async deliver() {
    await gate.deliverMails();
    return mails.splice(0);
  },
});
