/** The suite as its README mounts it: SQLite for everything, session rows included, and the defaults of a production site. @module */
import { auth } from "@castellan/auth";
import { logout } from "@castellan/logout";
import { register } from "@castellan/register";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { bcryptHasher, castellan, expressSessions, minutes } from "castellan";
import express from "express";
import { serve, smallFile } from "../lib/serve.mjs";

const { BENCH_FILE = ":memory:", BENCH_COST = "10", BENCH_COUNT } = process.env;

// Counting and a clock of its own are for counted runs only: a measured server has neither.
const statements = [];
let ahead = 0;
const counting = BENCH_COUNT === "1";
const clock = { now: () => new Date(Date.now() + ahead) };

const gate = castellan({
  rootUrl: "https://app.example.test",
  keys: ["keys-for-measuring-0123456789-abcdefghijkl"],
  sessions: expressSessions({ secret: "secret-for-measuring-0123456789-abcdefghijkl" }),
  storer: await sqlite({ file: BENCH_FILE, ...(counting && { onQuery: (sql) => statements.push(sql) }) }),
  hasher: bcryptHasher({ cost: Number(BENCH_COST) }),
  // The same work for each login, but no end to the logins from one address.
  limits: { "attempt/network": { max: 1e9, per: minutes(15) }, "attempt/subject": { max: 1e9, per: minutes(15) } },
  ...(counting && { clock }),
  modules: { auth: auth(), logout: logout(), register: register() },
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
  advance: (milliseconds) => {
    ahead += milliseconds;
  },
});
