/** What is wrong with the options is told at the start, all of it at once, with the mend. @module */
import assert from "node:assert/strict";
import { memoryStorer } from "@castellan/testkit";
import { type TwoFactorOptions, twofactor } from "@castellan/twofactor";
import { ConfigError, castellan, expressSessions } from "castellan";
import { expect, it } from "vitest";
import { pin } from "./factor.ts";

const parts = () => ({
  rootUrl: "https://app.example.com",
  keys: ["nothing is sealed by this key: 0123456789"],
  sessions: expressSessions({ secret: "nothing is signed by this secret: 0123456789" }),
  storer: memoryStorer(),
  sweepEvery: null,
});

/** In plain JavaScript an option may be anything. */
const startWith = (options: object) => () =>
  castellan({ ...parts(), modules: { twofactor: twofactor(options as TwoFactorOptions), pin: pin() } });

it("refuses figures that are none, all of them at once", () => {
  const wrong = { lasts: 0, tries: 2.5, recent: "15 minutes", trust: -1, required: "admins", emailAuthorization: 1 };
  let told: unknown;
  try {
    startWith(wrong)();
  } catch (error) {
    told = error;
  }
  assert.ok(told instanceof ConfigError);
  for (const name of Object.keys(wrong)) assert.match(told.message, new RegExp(`twofactor: \`${name}\``));
});

it.each([0, 21, Number.NaN, Number.POSITIVE_INFINITY, "5", null])("refuses %s tries", (tries) => {
  assert.throws(startWith({ tries }), ConfigError);
});

it("is needed by every factor, which says so when it is missing", () => {
  assert.throws(() => castellan({ ...parts(), modules: { pin: pin() } }), /pin.*twofactor/s);
});

it("starts without a factor, and asks nobody for one", () => {
  const gate = castellan({ ...parts(), modules: { twofactor: twofactor() } });
  expect(gate.describe().modules).toEqual(["twofactor"]);
});
