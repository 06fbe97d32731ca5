import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** Inside the workspace, so that packages are found as an application finds them. */
const CACHE = fileURLToPath(new URL("../../../node_modules/.cache/", import.meta.url));
const TSC = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** An application whose storer lacks something; what `modules` says begins on line 12. */
const application = (storer: string, modules: readonly string[]): string =>
  `import { auth } from "@castellan/auth";
import { type AuthableUser, type AuthOperations, createCastellan, type GateOptions, type ServerStorer, type User } from "@castellan/core";
import { logout } from "@castellan/logout";
import { register } from "@castellan/register";
declare const seams: Omit<GateOptions<ServerStorer, never>, "storer" | "modules">;
interface Forgetful extends User { readonly passwordHash: string | undefined }
declare const storer: ${storer};
export const made = [auth, logout, register];
export const gate = createCastellan({
  ...seams, storer,
  modules: {
    ${modules.join(",\n    ")},
  },
});
export type Used = AuthableUser & AuthOperations & Forgetful;
`;

const MISTAKES = {
  operation: application("ServerStorer<AuthableUser> & Omit<AuthOperations, 'setPasswordHash'>", ["logout: logout()", "auth: auth()"]),
  field: application("ServerStorer<User> & AuthOperations", ["logout: logout()", "auth: auth()"]),
  kind: application("ServerStorer<Forgetful> & AuthOperations", ["auth: auth()", "logout: logout()"]),
  core: application("ServerStorer<AuthableUser> & AuthOperations", ["auth: auth()", "logout: logout()", "register: register()"]),
  uncalled: application("ServerStorer<AuthableUser> & AuthOperations", ["logout: logout()", "auth"]),
};
type Mistake = keyof typeof MISTAKES;

let folder = "";
/** What the compiler said, by file. */
const said = new Map<string, { readonly line: number; readonly message: string }[]>();

/** All that the compiler prints; it ends with an error, since there are some. */
const compile = (): Promise<string> =>
  new Promise((resolve) => {
    const options = [
      "--ignoreConfig",
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--types",
      "node",
      "--pretty",
      "false",
    ];
    const files = Object.keys(MISTAKES).map((name) => join(folder, `${name}.ts`));
    execFile(process.execPath, [TSC, ...options, ...files], { cwd: folder }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });

beforeAll(async () => {
  await mkdir(CACHE, { recursive: true });
  folder = await mkdtemp(join(CACHE, "compile-errors-"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  for (const [name, source] of Object.entries(MISTAKES)) await writeFile(join(folder, `${name}.ts`), source);
  // A message begins at the margin; the lines below it, which say more, are indented.
  for (const part of (await compile()).split(/\n(?=\S)/)) {
    const [, name = "", line = "", message = ""] = /(\w+)\.ts\((\d+),\d+\): (.*)/s.exec(part) ?? [];
    said.set(name, [...(said.get(name) ?? []), { line: Number(line), message }]);
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The one error of a file, with the text of the line on which it stands. */
function errorOf(mistake: Mistake): { readonly on: string; readonly message: string } {
  const errors = said.get(mistake) ?? [];
  expect(errors, JSON.stringify([...said])).toHaveLength(1);
  const [error] = errors;
  return { on: (MISTAKES[mistake].split("\n")[(error?.line ?? 0) - 1] ?? "").trim(), message: error?.message ?? "" };
}

describe("the compiler", () => {
  it("names the operation that a storer lacks, on the module's own line", () => {
    const { on, message } = errorOf("operation");
    expect(on).toBe("auth: auth(),");
    expect(message).toMatch(/'setPasswordHash' is missing/);
  });

  it("names the field that the users lack, on the module's own line", () => {
    const { on, message } = errorOf("field");
    expect(on).toBe("auth: auth(),");
    expect(message).toMatch(/'passwordHash' is missing in type 'User'/);
  });

  it("names the field that is of the wrong kind, on the module's own line", () => {
    const { on, message } = errorOf("kind");
    expect(on).toBe("auth: auth(),");
    expect(message).toMatch(/'passwordHash'/);
    expect(message).toMatch(/'string \| undefined' is not assignable to type 'string \| null'/);
  });

  it("finds the one module of several that the storer is not enough for", () => {
    const { on, message } = errorOf("core");
    expect(on).toBe("register: register(),");
    expect(message).toMatch(/createUser|email/);
  });

  it("finds a module that was not called", () => {
    expect(errorOf("uncalled").on).toBe("auth,");
  });

  it("keeps its message short enough to be read", () => {
    expect([...said.keys()].sort()).toEqual(Object.keys(MISTAKES).sort());
    for (const { message } of [...said.values()].flat()) expect(message.split("\n").length, message).toBeLessThan(15);
  });
});
