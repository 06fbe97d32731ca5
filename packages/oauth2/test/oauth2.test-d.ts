/** What must and must not compile. @module */
import type { OAuth2ServerStorer, ServerStorer } from "@castellan/core";
import { google, type OAuth2Api, oauth2, oidcProvider, passportProvider } from "@castellan/oauth2";
import { type MemoryStorer, memoryStorer, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";
import OAuth2Strategy from "passport-oauth2";

const config = {
  rootUrl: "https://app.example.test",
  keys: ["a-key-of-the-tests-9876543210-zyxwvutsrqponm"],
  sessions: expressSessions({ secret: TEST_SECRET }),
};
const providers = { google: google({ clientId: "id", clientSecret: "secret" }) };

const gate = castellan({ ...config, storer: memoryStorer(), modules: { oauth2: oauth2(providers) } });
const api: OAuth2Api = gate.oauth2;
api.providers satisfies readonly { name: string; label: string }[];

declare const plain: ServerStorer;
// @ts-expect-error: a storer that keeps no identities cannot have the module
castellan({ ...config, storer: plain, modules: { oauth2: oauth2(providers) } });

declare const careless: Omit<MemoryStorer, "unlinkIdentity">;
// @ts-expect-error: nor one that cannot take an identity away in one step
castellan({ ...config, storer: careless, modules: { oauth2: oauth2(providers) } });

// A storer with every operation has the capability.
memoryStorer() satisfies OAuth2ServerStorer;

// The typed class of a strategy, and a class without types of its own.
passportProvider(OAuth2Strategy, { clientID: "id" }, { label: "X" });
passportProvider(class {}, {}, { label: "X" });
// @ts-expect-error: what is no class is no strategy
passportProvider(() => ({}), {}, { label: "X" });
// @ts-expect-error: people have to know what it is called
passportProvider(OAuth2Strategy, {}, {});

// @ts-expect-error: an issuer is what everything else is found by
oidcProvider({ label: "X", clientId: "id" });
// @ts-expect-error: a profile without a word on the address would be taken for a verified one, sooner or later
oidcProvider({ label: "X", clientId: "id", issuer: "https://id.example", profile: () => ({ subject: "x", email: null, name: null }) });
