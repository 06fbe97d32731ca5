/** `npm start`: builds what has changed and runs examples/full for development. @module */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));

if (!existsSync(compiler)) {
  console.error("The dependencies are not installed yet. Run: npm install");
  process.exit(1);
}

console.log("Building (the first time takes some seconds) …");
const { status } = spawnSync(process.execPath, [compiler, "-b"], { cwd: root, stdio: "inherit" });
if (status !== 0) {
  console.error("The build failed; see above.");
  process.exit(1);
}

// The one place that says so: without it, the example runs as in production.
process.env["CASTELLAN_DEVELOPMENT"] ??= "1";
await import("../examples/full/server.mjs");

// Between npm and us stands a shell that ends on a signal without passing it on. Nobody could then end us but by our process id.
const parent = process.ppid;
if (process.env["npm_lifecycle_event"] === "start") {
  setInterval(() => process.ppid !== parent && process.emit("SIGTERM"), 250).unref();
}
