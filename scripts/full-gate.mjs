// @ts-check
/** A gate with every module that there is, for what is made from `gate.describe()`. @module */
import { auth } from "@castellan/auth";
import { confirm } from "@castellan/confirm";
import { expire } from "@castellan/expire";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { oauth2, oidcProvider } from "@castellan/oauth2";
import { otp } from "@castellan/otp";
import { recover } from "@castellan/recover";
import { register } from "@castellan/register";
import { remember } from "@castellan/remember";
import { sms } from "@castellan/sms";
import { memoryStorer } from "@castellan/testkit";
import { totp } from "@castellan/totp";
import { twofactor } from "@castellan/twofactor";
import { castellan, expressSessions } from "castellan";

/** Every module, under the name of its package's folder. */
export const modules = {
  auth: auth(),
  logout: logout(),
  register: register(),
  confirm: confirm(),
  recover: recover(),
  lock: lock(),
  expire: expire(),
  remember: remember(),
  otp: otp(),
  twofactor: twofactor(),
  totp: totp(),
  sms: sms({ countries: ["CH"] }),
  oauth2: oauth2({ demo: oidcProvider({ label: "Demo", issuer: "https://id.example.com", clientId: "castellan" }) }),
};

/** Packages that are no feature. */
export const notFeatures = new Set(["castellan", "core", "defaults", "testkit"]);

export const fullGate = () =>
  castellan({
    rootUrl: "https://app.example.com",
    keys: ["nothing is sealed by this key: 0123456789"],
    storer: memoryStorer(),
    sessions: expressSessions({ secret: "nothing is signed by this secret: 0123456789" }),
    mailer: { send: async () => {} },
    sms: { send: async () => {} },
    mail: { from: { address: "no-reply@example.com" }, every: null },
    sweepEvery: null,
    modules,
  });
