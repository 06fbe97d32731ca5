/**
 * An application with mails to send, to be killed: `node mailing.mjs FILE PORT SECONDS WHAT`. Its clock stands SECONDS behind the test's beginning. WHAT is `queue`: makes two accounts while the mailer
 * never answers; `send`: the same with the mail server at PORT; `deliver`: waits for a line, then delivers what is due. @module
 */
import { auth } from "@castellan/auth";
import { confirm } from "@castellan/confirm";
import { recover } from "@castellan/recover";
import { register } from "@castellan/register";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { countingHasher, manualClock, seededRandom, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions, seconds, smtpMailer } from "castellan";

const [, , file, port, late, what] = process.argv;
const say = (line) => process.stdout.write(`${line}\n`);
// Made anew by the test, which hands it over: no key lies in the repository.
const ca = process.env.MAIL_CERTIFICATE;

const clock = manualClock();
clock.advance(seconds(Number(late)));
const gate = castellan({
  rootUrl: "https://app.example.test",
  keys: ["a-key-of-the-mails-9876543210-zyxwvutsrqponm"],
  storer: await sqlite(file),
  sessions: expressSessions({ secret: TEST_SECRET }),
  hasher: countingHasher(),
  clock,
  random: seededRandom(`child ${process.pid}`),
  mailer: what === "queue" ? { send: () => new Promise(() => {}) } : smtpMailer({ host: "localhost", port: Number(port), tls: { ca } }),
  mail: { from: { address: "no-reply@app.example.test" }, every: null },
  modules: { auth: auth(), register: register(), confirm: confirm(), recover: recover() },
});
await gate.ready();

if (what === "deliver") {
  say("waiting");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  say(`delivered ${await gate.deliverMails()}`);
  await gate.close();
  process.exit(0);
}

for (const login of ["ann@example.com", "bob@example.com"]) {
  const outcome = await gate.register.register({ login, password: "correct horse battery staple" });
  if ("refused" in outcome) throw new Error(`${login} could not be made`);
}
say("queued");
setInterval(() => {}, 60_000);
