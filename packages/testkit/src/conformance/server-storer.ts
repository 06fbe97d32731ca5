/** The suite of what every storer promises. @module */
import type { ServerStorer } from "@castellan/core";
import { signInChangeCases } from "./sign-in-changes.ts";
import { signInLifeCases } from "./sign-in-life.ts";
import type { Suite } from "./suite.ts";
import { userCases } from "./users.ts";

export const serverStorerConformance: Suite<ServerStorer> = {
  name: "server",
  cases: [...userCases, ...signInLifeCases, ...signInChangeCases],
};
