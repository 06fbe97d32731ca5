// A process of an application: `close` serves one sign-in and closes, `script` makes a user and simply comes to its end.
import { auth } from "@castellan/auth";
import { register } from "@castellan/register";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { castellan, expressSessions } from "castellan";
import express from "express";

const [file = "", what] = process.argv.slice(2);
const secret = "a-secret-of-the-tests-0123456789-abcdefghijkl";
const gate = castellan({
  rootUrl: "http://localhost",
  development: true,
  keys: ["a-key-of-the-tests-9876543210-zyxwvutsrqponm"],
  storer: await sqlite(file),
  sessions: expressSessions({ secret }),
  modules: { auth: auth(), register: register() },
});
const credentials = { login: "ann@example.com", password: "correct horse battery staple" };
await gate.ready();
await gate.register.register(credentials);

if (what === "script") console.log("made");
else {
  const app = express();
  app.use(gate.clientState());
  app.use("/auth", gate.router);
  const server = app.listen(0, "127.0.0.1", async () => {
    const body = JSON.stringify({ email: credentials.login, password: credentials.password });
    const url = `http://127.0.0.1:${server.address().port}/auth/login`;
    const answer = await fetch(url, { method: "POST", body, headers: { "content-type": "application/json", connection: "close" } });
    console.log(answer.status === 200 ? "signed in" : await answer.text());
    server.close();
    await gate.close();
    console.log("closed");
  });
}
