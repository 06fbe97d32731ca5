import { auth } from "@castellan/auth";
import { logout } from "@castellan/logout";
import { register } from "@castellan/register";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { castellan, expressSessions, html } from "castellan";
import express from "express";

const gate = castellan({
  development: true,
  rootUrl: "http://localhost:3000",
  keys: [process.env.CASTELLAN_KEY],
  sessions: expressSessions({ secret: process.env.SESSION_SECRET }),
  storer: await sqlite("app.db"),
  modules: { auth: auth(), logout: logout(), register: register() },
});

const app = express();
app.use(gate.clientState());
app.use("/auth", gate.router);
app.get("/", (_req, res) => res.send('<a href="/account">Your account</a>'));
app.get("/account", gate.require(), (req, res) => {
  res.send(html`<p>Hello ${gate.user(req).email}</p><a href="/auth/logout">Sign out</a>`.markup);
});
await gate.ready();
app.listen(3000, "localhost", (error) => {
  if (error) throw error;
  console.log("Open http://localhost:3000");
});
