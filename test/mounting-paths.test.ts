import assert from "node:assert/strict";
import { request } from "node:http";
import { describe, it } from "vitest";
import { haveUser, PASSWORD } from "./support/app.ts";
import { addPages, EXPRESS_VERSIONS, startMounted } from "./support/mounted.ts";

/** Sends a path as it stands: a URL parser would tidy it up first. */
function send(server: string, method: string, path: string, body = ""): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(server);
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), "X-Forwarded-Proto": "https" };
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      answer.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const spellings = (path: string): string[] => {
  const [, mount = "", page = ""] = path.split("/");
  return [
    `${path}/`,
    `${path}//`,
    `/${mount.toUpperCase()}/${page}`,
    `/${mount}/${page.toUpperCase()}`,
    `//${mount}//${page}`,
    `/${mount}//${page}`,
    `/${mount}/%${page.charCodeAt(0).toString(16)}${page.slice(1)}`,
    `/%${mount.charCodeAt(0).toString(16)}${mount.slice(1)}/${page}`,
    `/${mount}%2F${page}`,
    `/${mount}%2f${page}`,
    `/${mount}\\${page}`,
    `${path};x`,
    `${path};x=1`,
    `${path}.json`,
    `${path}%00`,
    `${path}%20`,
    `${path}%09`,
    `${path}#x`,
    `/./${mount}/./${page}`,
    `/x/../${mount}/${page}`,
    `/${mount}/x/../${page}`,
    `/${mount}/../${mount}/${page}`,
    `${path}?x`,
    `${path}?/public`,
    `http://other.example${path}`,
  ];
};

describe.each(EXPRESS_VERSIONS)("on %s", (_name, version) => {
  const start = (settings: readonly string[] = []) =>
    startMounted({
      app(gate) {
        const app = version();
        for (const setting of settings) app.enable(setting);
        app.use(gate.clientState());
        app.use("/auth", gate.router);
        addPages(app, gate);
        return app;
      },
    });

  it.each([[[]], [["strict routing", "case sensitive routing"]]])(
    "however the path of the login page is spelled, the limits hold (R111; %j)",
    async (settings) => {
      const app = await start(settings);
      await haveUser(app);
      const guess = (path: string) => send(app.url, "POST", path, JSON.stringify({ email: "ann@example.com", password: "wrong" }));
      for (const path of spellings("/auth/login")) {
        const { status } = await guess(path);
        assert.ok([401, 404, 429].includes(status), `${path}: ${status}`);
      }
      for (let round = 0; round < 12; round += 1) await guess("/auth/login");
      assert.equal(app.hasher.calls.verify, 10);
      for (const path of spellings("/auth/login")) {
        const { status } = await guess(path);
        assert.ok([404, 429].includes(status), `${path}: ${status}`);
        const right = await send(app.url, "POST", path, JSON.stringify({ email: "ann@example.com", password: PASSWORD }));
        assert.ok([404, 429].includes(right.status), `${path}: ${right.status}`);
      }
      assert.equal(app.hasher.calls.verify, 10);
    },
  );

  it("however the path of a page for users is spelled, strangers do not see it (R138)", async () => {
    const app = await start();
    for (const path of [
      "/account",
      "/Account",
      "/account/",
      "//account",
      "/%61ccount",
      "/account;a",
      "/account%2f",
      "/account/.",
      "/x/../account",
      "/account?/public",
    ]) {
      for (const method of ["GET", "HEAD", "POST"]) {
        const { status, text } = await send(app.url, method, path);
        assert.ok([303, 401, 404].includes(status), `${method} ${path}: ${status}`);
        assert.ok(!text.includes("account of"), path);
      }
    }
  });
});
