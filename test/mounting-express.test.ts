import assert from "node:assert/strict";
import { TEST_SECRET } from "@castellan/testkit";
import cookieParser from "cookie-parser";
import type { RequestHandler } from "express";
import { describe, it } from "vitest";
import { addPages, EXPRESS_VERSIONS, startMounted, wholeFlow } from "./support/mounted.ts";

describe.each(EXPRESS_VERSIONS)("on %s", (_version, express) => {
  it.each(["/auth", "/x/y", ""])('people and clients sign up, in and out with the gate mounted at "%s"', async (mount) => {
    const app = await startMounted({
      gate: { mount },
      app(gate) {
        const main = express();
        main.use(gate.clientState());
        main.use(mount || "/", gate.router);
        addPages(main, gate);
        return main;
      },
    });
    await wholeFlow(app, { mount });
  });

  it("the gate at the root leaves every other path to the application", async () => {
    const app = await startMounted({
      gate: { mount: "" },
      app(gate) {
        const main = express();
        main.use(gate.clientState(), gate.router);
        main.post("/other", (_req, res) => void res.send("mine"));
        return main;
      },
    });
    assert.equal((await app.browser().post("/other", {})).text, "mine");
    assert.equal((await app.browser().get("/nothing")).status, 404);
  });

  it("the gate works inside an application that is mounted in another one", async () => {
    const app = await startMounted({
      gate: { mount: "/sub/auth" },
      app(gate) {
        const inner = express();
        inner.use(gate.clientState());
        inner.use("/auth", gate.router);
        inner.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
        const main = express();
        main.use("/sub", inner);
        main.get("/", (_req, res) => void res.send("start"));
        main.get("/account", (_req, res) => res.redirect("/sub/account"));
        return main;
      },
    });
    const browser = app.browser();
    const turned = await browser.get("/sub/account");
    assert.equal(new URL(turned.url).pathname, "/sub/auth/login");
    assert.equal(turned.page.form().action, "/sub/auth/login");
    await wholeFlow(app, { mount: "/sub/auth", account: "/sub/account" });
  });

  it("who is signed in, and the session, are known inside an application that is mounted behind clientState()", async () => {
    const app = await startMounted({
      app(gate) {
        const inner = express();
        addPages(inner, gate);
        inner.get("/count", (req, res) => {
          req.session.count = (req.session.count ?? 0) + 1;
          res.send(String(req.session.count));
        });
        const main = express();
        main.use(gate.clientState());
        main.use("/auth", gate.router);
        main.use(inner);
        return main;
      },
    });
    await wholeFlow(app, { mount: "/auth" });
    const browser = app.browser();
    await browser.get("/count");
    assert.equal((await browser.get("/count")).text, "2");
  });

  it("the gate works inside a router", async () => {
    const app = await startMounted({
      gate: { mount: "/x/auth" },
      app(gate) {
        const router = express.Router();
        router.use("/auth", gate.router);
        const main = express();
        main.use(gate.clientState());
        main.use("/x", router);
        addPages(main, gate);
        return main;
      },
    });
    await wholeFlow(app, { mount: "/x/auth" });
  });

  const anything = { type: () => true };
  const parsers: Readonly<Record<string, readonly RequestHandler[]>> = {
    "express.json() and express.urlencoded({ extended: false })": [express.json(), express.urlencoded({ extended: false })],
    "express.json() and express.urlencoded({ extended: true })": [express.json(), express.urlencoded({ extended: true })],
    "express.text() and express.raw()": [express.text(), express.raw()],
    "express.text() of whatever comes": [express.text(anything)],
    "express.raw() of whatever comes": [express.raw(anything)],
    "cookie-parser": [cookieParser()],
    "cookie-parser with the secret of the sessions": [cookieParser(TEST_SECRET)],
  };

  it.each(Object.keys(parsers))("the gate works behind and before %s", async (name) => {
    for (const place of ["behind", "before"]) {
      const app = await startMounted({
        app(gate) {
          const main = express();
          const own = parsers[name] ?? [];
          if (place === "behind") main.use(...own);
          main.use(gate.clientState());
          main.use("/auth", gate.router);
          if (place === "before") main.use(...own);
          addPages(main, gate);
          return main;
        },
      });
      await wholeFlow(app, { mount: "/auth" });
    }
  });

  it("gate.router works without clientState() in front of it", async () => {
    const app = await startMounted({
      app(gate) {
        const main = express();
        main.use("/auth", gate.router);
        addPages(main, gate);
        return main;
      },
    });
    await wholeFlow(app, { mount: "/auth" });
  });

  it("clientState() may be mounted twice", async () => {
    const app = await startMounted({
      app(gate) {
        const main = express();
        main.use(gate.clientState(), gate.clientState());
        main.use("/auth", gate.router);
        addPages(main, gate);
        return main;
      },
    });
    await wholeFlow(app, { mount: "/auth" });
  });
});

describe.each(EXPRESS_VERSIONS)("a `mount` that is not where the router is mounted (%s)", (_version, express) => {
  const cases = [
    { mount: "/auth", at: "/login", asked: "/login/login", mend: 'say mount: "/login"' },
    { mount: "/auth", at: "/", asked: "/login", mend: 'say mount: ""' },
    { mount: "", at: "/auth", asked: "/auth/login", mend: 'say mount: "/auth"' },
  ];

  it.each(cases)("is said in the log with both paths: $mount and $at", async ({ mount, at, asked, mend }) => {
    const app = await startMounted({
      gate: { mount },
      app(gate) {
        const main = express();
        main.use(gate.clientState());
        main.use(at, gate.router);
        return main;
      },
    });
    const answers = [await app.browser().get(asked), await app.browser().json("POST", asked, { email: "ann@example.com", password: "x" })];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [500, 500],
    );
    assert.equal(app.hasher.calls.verify, 0);
    const [line] = app.log;
    const message = String(Reflect.get(Object(line?.fields["error"]), "message"));
    assert.equal(line?.level, "error");
    assert.ok(message.includes(`"${mount}"`), message);
    assert.ok(message.includes(`"${at}"`), message);
    assert.ok(message.includes(mend), message);
  });

  it("is not concluded from a path that was only written in another case", async () => {
    const app = await startMounted({
      app(gate) {
        const main = express();
        main.use("/auth", gate.router);
        return main;
      },
    });
    assert.notEqual((await app.browser().get("/AUTH/login")).status, 500);
    assert.equal((await app.browser().get("/auth/login")).status, 200);
  });
});
