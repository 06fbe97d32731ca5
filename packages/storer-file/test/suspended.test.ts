/** A process that was suspended for so long that it was taken for dead. @module */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { seconds } from "@castellan/core";
import { expect, it, onTestFinished } from "vitest";
import { aUser, newFile, openStorer } from "./places.ts";

const CHILD = fileURLToPath(new URL("children/register.mjs", import.meta.url));

it("a process that was suspended for long writes over nothing that another one has stored since, and acknowledges nothing", async () => {
  const file = await newFile();
  const child = spawn(process.execPath, [CHILD, file], { stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += String(chunk);
  });
  while (said.split("\n").length < 20) await once(child.stdout, "data");
  child.kill("SIGSTOP");
  const storer = await openStorer({ file, lockTimeout: seconds(20) });
  await storer.createUser(aUser("zed"));
  const before = said.lastIndexOf("\n");
  const ended = once(child, "close");
  child.kill("SIGCONT");
  await ended;
  const text = await readFile(file, "utf8");
  expect(text).toContain("pid-zed");
  const acknowledged = said
    .slice(before + 1)
    .split("\n")
    .filter(Boolean);
  expect(acknowledged.filter((pid) => !text.includes(`"${pid}"`))).toEqual([]);
}, 60_000);
