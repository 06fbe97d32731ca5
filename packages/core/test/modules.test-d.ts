/** What must not compile, and what the compiler knows about a gate. One mistake each; the error stands on the module's line. @module */
import { type AuthApi, auth } from "@castellan/auth";
import {
  type AuthableUser,
  type AuthOperations,
  type Core,
  createCastellan,
  type Gate,
  type GateOptions,
  type LoginEvent,
  login,
  type Module,
  type Outcome,
  type ServerStorer,
  type User,
} from "@castellan/core";
import { type LogoutApi, logout } from "@castellan/logout";
import { type RegisterApi, register } from "@castellan/register";
import type { MemoryStorer } from "@castellan/testkit";
import { castellan } from "castellan";
import type { Request } from "express";
import { expectTypeOf } from "vitest";

type Config<S extends ServerStorer> = Omit<GateOptions<S, never>, "modules">;
declare const config: Omit<Config<ServerStorer>, "storer">;
declare const req: Request;

interface Person extends AuthableUser {
  readonly shoeSize: number;
}
declare const people: ServerStorer<Person> & AuthOperations;
declare const plain: ServerStorer;
declare const whole: MemoryStorer;

// What a module needs --------------------------------------------------------------------------------------------------

// A storer with everything, and more fields and operations than anybody asks for, fits.
createCastellan({ ...config, storer: people, modules: { auth: auth(), logout: logout() } });
createCastellan({ ...config, storer: whole, modules: { auth: auth(), logout: logout(), register: register() } });
createCastellan({ ...config, storer: plain, modules: { logout: logout() } });
createCastellan({ ...config, storer: plain, modules: {} });

declare const withoutOperation: ServerStorer<Person> & Omit<AuthOperations, "changePasswordHash">;
createCastellan({
  ...config,
  storer: withoutOperation,
  modules: {
    logout: logout(),
    // @ts-expect-error: a storer that cannot change a password cannot have the module of passwords
    auth: auth(),
  },
});

declare const withoutField: ServerStorer<User> & AuthOperations;
createCastellan({
  ...config,
  storer: withoutField,
  modules: {
    // @ts-expect-error: users without a hash have no password to sign in with
    auth: auth(),
    logout: logout(),
  },
});

interface Careless extends User {
  readonly passwordHash: string | null | undefined;
}
declare const careless: ServerStorer<Careless> & AuthOperations;
createCastellan({
  ...config,
  storer: careless,
  modules: {
    // @ts-expect-error: `undefined` means that somebody forgot a column, and is no value of a field
    auth: auth(),
  },
});

createCastellan({
  ...config,
  storer: people,
  modules: {
    auth: auth(),
    // @ts-expect-error: a storer that makes no users cannot have the module that registers them
    register: register(),
  },
});

createCastellan({
  ...config,
  storer: people,
  modules: {
    // @ts-expect-error: a module is what its function answers
    auth: auth,
  },
});

castellan({
  rootUrl: "https://app.example.com",
  keys: [],
  sessions: config.sessions,
  storer: plain,
  modules: {
    // @ts-expect-error: the package with the defaults asks for no less
    auth: auth(),
  },
});

// @ts-expect-error: a storer has all of what core needs
createCastellan({ ...config, storer: { load: async () => null }, modules: {} });
// @ts-expect-error: nothing has a default here
createCastellan({ storer: plain, modules: {} });
// @ts-expect-error: without sessions nobody stays signed in
castellan({ rootUrl: "https://app.example.com", keys: [], storer: plain, modules: {} });
// @ts-expect-error: an option that is misspelt is none
createCastellan({ ...config, storer: plain, modules: {}, mountt: "/auth" });

// What a gate knows ----------------------------------------------------------------------------------------------------

const gate = createCastellan({ ...config, storer: people, modules: { auth: auth(), logout: logout() } });

expectTypeOf(gate.auth).toEqualTypeOf<AuthApi>();
expectTypeOf(gate.logout).toEqualTypeOf<LogoutApi>();
expectTypeOf(gate.auth.authenticate({ login: "ann", password: "x" })).toEqualTypeOf<Promise<Outcome<User>>>();
expectTypeOf(gate.user(req)).toEqualTypeOf<Person>();
expectTypeOf(gate.user(req).shoeSize).toEqualTypeOf<number>();
expectTypeOf(gate.currentUser(req)).toEqualTypeOf<Promise<Person | null>>();
expectTypeOf(gate.updatePassword("pid", "x")).toEqualTypeOf<Promise<Outcome<Person> | null>>();
expectTypeOf(castellan({ ...config, storer: whole, modules: { register: register() } }).register).toEqualTypeOf<RegisterApi>();

// @ts-expect-error: the module of registration is not loaded here
gate.register;
// @ts-expect-error: a service takes what it says
gate.auth.authenticate({ login: "ann" });
// @ts-expect-error: somebody may be signed in or not
(await gate.currentUser(req)).pid;
// @ts-expect-error: users are snapshots, and nobody writes on them
gate.user(req).shoeSize = 43;

// Two gates with different users live side by side, and neither takes the other's.
const other = createCastellan({ ...config, storer: plain, modules: {} });
expectTypeOf(other.user(req)).toEqualTypeOf<User>();
// @ts-expect-error: these users have no shoes
const _mistaken: Gate<Person, Record<never, never>> = other;

// A module of one's own that says nothing about its storer fits every gate, and its service is known by what `start` answers.
declare const counting: Module<ServerStorer, { readonly count: () => number }>;
expectTypeOf(createCastellan({ ...config, storer: people, modules: { counting } }).counting.count()).toEqualTypeOf<number>();

// What a module sees ---------------------------------------------------------------------------------------------------

declare const core: Core<ServerStorer<Person> & AuthOperations>;
expectTypeOf(await core.storer.load("pid")).toEqualTypeOf<Person | null>();
expectTypeOf(core.storer.changePasswordHash).toBeFunction();

gate.on(login).before("guard", ({ user }) => {
  expectTypeOf(user).toEqualTypeOf<User>();
  return null;
});
gate.on(login).after("notify", (event) => {
  expectTypeOf(event).toEqualTypeOf<LoginEvent>();
});
// @ts-expect-error: there is no such phase
gate.on(login).before("gaurd", () => null);
// @ts-expect-error: what is told comes after
gate.on(login).before("notify", () => null);
// @ts-expect-error: a guard answers a reply or nothing, and not whether it is content
gate.on(login).before("guard", () => true);
