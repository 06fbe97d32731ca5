/** What the full example is made of, kept as a file: a change of routes, order of handlers or limits shows in review. @module */
import { expect, it, onTestFinished } from "vitest";
import { makeGate } from "../examples/full/gate.mjs";

it("T21.01: has the routes, handlers, reasons and limits that examples/full/description.json says", async () => {
  const gate = await makeGate(
    {
      development: true,
      host: "127.0.0.1",
      port: 3000,
      rootUrl: "http://localhost:3000",
      databaseUrl: "sqlite://:memory:",
      castellanKey: "a-key-of-tests-that-nobody-else-may-use",
      sessionSecret: "a-secret-of-tests-that-nobody-else-may-use",
      smtpUrl: null,
      mailFrom: "example@castellan.example",
      twilio: null,
      smsCountries: null,
      trustProxy: "loopback",
      demoPort: 3001,
      clients: { google: null, github: null },
    },
    null,
    "http://127.0.0.1:3001",
  );
  onTestFinished(() => gate.close());
  await expect(`${JSON.stringify(gate.describe(), null, 2)}\n`).toMatchFileSnapshot("../examples/full/description.json");
});
