#!/usr/bin/env node
/** The command `castellan`. @module */
import { run } from "./commands/run.ts";

// Set, and not exited with: what was printed may still be on its way.
process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  print: (text) => process.stdout.write(text),
  tell: (text) => process.stderr.write(text),
});
