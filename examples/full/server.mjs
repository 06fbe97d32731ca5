/** Starts the application, says where it is, and ends it when asked to. @module */
import { createServer } from "node:http";
import { ConfigError, developmentOutbox, systemClock } from "castellan";
import { makeApp } from "./app.mjs";
import { settingsFrom } from "./config.mjs";
import { startDemoProvider } from "./demo-provider.mjs";
import { makeGate } from "./gate.mjs";

/** How long requests that are under way may take after the signal to end. */
const GRACE_MS = 5000;

/**
 * @param {import("./config.mjs").Settings} settings
 * @param {import("castellan").Outbox | null} outbox
 * @param {string | null} demoIssuer
 */
async function openGate(settings, outbox, demoIssuer) {
  const gate = await makeGate(settings, outbox, demoIssuer);
  const server = createServer(makeApp(gate, settings, outbox));
  try {
    await gate.ready();
    await listen(server, settings.port, settings.host);
    return { gate, server };
  } catch (error) {
    await gate.close();
    throw error;
  }
}

async function start() {
  const settings = settingsFrom(process.env);
  const { development, rootUrl, smtpUrl, demoPort } = settings;
  const outbox = development ? developmentOutbox({ clock: systemClock }) : null;
  const demo = demoPort === null ? null : await startDemoProvider({ port: demoPort, redirectUri: `${rootUrl}/auth/oauth2/callback/demo` });
  const { gate, server } = await openGate(settings, outbox, demo?.issuer ?? null).catch(async (error) => {
    await demo?.close();
    throw error;
  });

  if (development) {
    console.warn("Development mode: plain HTTP, secrets from a file, an outbox that shows every mail. Never let others reach it.");
  }
  console.log(`Listening at ${rootUrl}`);
  if (demo) console.log(`A demo provider to sign in with is at ${demo.issuer}.`);
  else if (demoPort !== null)
    console.warn(`Port ${demoPort} is in use, so there is no demo provider to sign in with: say another one by DEMO_PROVIDER_PORT.`);
  console.log(
    `First open ${rootUrl}/auth/register and make an account.${outbox && !smtpUrl ? ` Mails are at ${rootUrl}/dev/outbox.` : ""}`,
  );

  const end = async () => {
    // A second signal ends it at once, as if nobody listened to signals.
    process.off("SIGINT", end).off("SIGTERM", end);
    const closed = new Promise((resolve) => server.close(resolve));
    // A browser keeps its connection open after an answer, in case it wants more.
    server.keepAliveTimeout = 1;
    setTimeout(() => server.closeAllConnections(), GRACE_MS).unref();
    await closed;
    await demo?.close();
    await gate.close();
    console.log("Stopped.");
  };
  process.on("SIGINT", end).on("SIGTERM", end);
}

/**
 * @param {import("node:http").Server} server
 * @param {number} port
 * @param {string} host
 * @returns {Promise<void>}
 */
const listen = (server, port, host) =>
  new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const isBusy = "code" in error && error.code === "EADDRINUSE";
      reject(
        isBusy
          ? new ConfigError([`port ${port} is in use: stop what uses it, or choose another one, for example PORT=${port + 1}`])
          : error,
      );
    });
    server.listen(port, host, resolve);
  });

try {
  await start();
} catch (error) {
  // What the message says whole needs no stack.
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = 1;
}
