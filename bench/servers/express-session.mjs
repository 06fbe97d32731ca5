/** A peer for comparison: express-session as its README mounts it, with its store in memory and no user to load. @module */
import express from "express";
import session from "express-session";
import { serve, smallFile } from "../lib/serve.mjs";

const app = express();
app.use(session({ secret: "secret-for-measuring-0123456789-abcdefghijkl", resave: false, saveUninitialized: false }));
app.get("/public", (_req, res) => void res.send("ok"));
app.get("/file", async (_req, res) => void res.send(await smallFile()));
app.get("/me", (req, res) => {
  const { login } = req.session;
  if (login) res.json({ login });
  else res.sendStatus(401);
});
// No password: what is compared is the signed-in page.
app.post("/auth/login", express.json(), (req, res) => {
  req.session.login = req.body.email;
  res.json({ status: "success" });
});
serve(app);
