// @ts-check
/** One of several processes of an application over one database: says its port, and serves until it is ended. Every answer names the process in `x-process`. @module */
import { auth } from "@castellan/auth";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { otp } from "@castellan/otp";
import { recover } from "@castellan/recover";
import { register } from "@castellan/register";
import { countingHasher } from "@castellan/testkit";
import { totp } from "@castellan/totp";
import { twofactor } from "@castellan/twofactor";
import { castellan, expressSessions, openStorer } from "castellan";
import express from "express";

const [database = "", rootUrl = ""] = process.argv.slice(2);

/** What this process has delivered and not yet told. @type {{ to: string, text: string }[]} */
const delivered = [];
// Who is counted here is one network; what is tested is who counts.
const wide = { max: 100_000, per: /** @type {any} */ (60_000) };
const gate = castellan({
  development: true,
  rootUrl,
  keys: ["a-key-of-the-tests-9876543210-zyxwvutsrqponm"],
  sessions: expressSessions({ secret: "a-secret-of-the-tests-0123456789-abcdefghijkl" }),
  storer: await openStorer(database),
  mail: { from: { address: "no-reply@app.example.test" }, every: null },
  mailer: { send: async ({ to, text }) => void delivered.push({ to: to.address, text }) },
  limits: { "attempt/network": wide, "register/network": wide },
  modules: {
    auth: auth(),
    logout: logout(),
    register: register(),
    lock: lock({ after: 5 }),
    otp: otp(),
    recover: recover(),
    twofactor: twofactor(),
    // So that a test has two codes of one moment, and waits for none.
    totp: totp({ acceptNext: true }),
  },
  // What is tested is not how slow a hash is.
  hasher: countingHasher(),
});
const app = express();
app.set("trust proxy", "loopback");
app.use((_req, res, next) => {
  res.set("x-process", String(process.pid));
  next();
});
app.use(gate.clientState());
app.use("/auth", gate.router);
app.get("/who", gate.require(), (req, res) => void res.json({ login: gate.user(req).login }));
app.use("/cart", express.json());
app.post("/cart", (req, res) => {
  Object.assign(req.session ?? {}, { cart: req.body.cart });
  res.json({});
});
app.get("/cart", (req, res) => void res.json({ cart: Reflect.get(req.session ?? {}, "cart") }));
app.post("/deliver", async (_req, res) => {
  await gate.deliverMails();
  res.json(delivered.splice(0));
});
app.use(
  (/** @type {any} */ error, /** @type {any} */ _req, /** @type {any} */ res, /** @type {any} */ _next) =>
    void res.status(error.status ?? 500).json({ reason: error.message }),
);
await gate.ready();
const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address) console.log(`PORT ${address.port}`);
});
process.on("SIGTERM", async () => {
  server.closeAllConnections();
  server.close();
  await gate.close();
});
