/** The suite of codes by text message. @module */
import assert from "node:assert/strict";
import type { RecoveryCodeOperations, SmsServerStorer } from "@castellan/core";
import { type Switch, switchCases } from "./factor-switch.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = SmsServerStorer & RecoveryCodeOperations;

/** Fifteen digits: the longest that E.164 has. */
const NUMBER = "+417912345678901";

const bySms: Switch<Storer> = {
  enable: (storer, pid, epoch, codes, name = "") => storer.enableSms(pid, epoch, name === "" ? NUMBER : `+4179${name.length}`, codes),
  disable: (storer, pid, epoch) => storer.disableSms(pid, epoch),
  state: async (storer, pid) => (await storer.load(pid))?.smsNumber ?? null,
};

const cases: readonly Case<Storer>[] = [
  ...switchCases(bySms),
  {
    title: "answers the number whole wherever a user is answered",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      await storer.enableSms(pid, 0, NUMBER, null);
      assert.equal((await storer.load(pid))?.smsNumber, NUMBER);
      assert.equal((await storer.findByLogin(login))?.smsNumber, NUMBER);
    },
  },
  {
    title: "lets two users have one number",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      assert.equal(await storer.enableSms(pid, 0, NUMBER, null), 1);
      assert.equal(await storer.enableSms(bob.pid, 0, NUMBER, null), 1);
      await storer.disableSms(pid, 1);
      assert.equal((await storer.load(bob.pid))?.smsNumber, NUMBER);
    },
  },
  {
    title: "rejects once it is closed",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      if (!(await close())) return;
      await assert.rejects(async () => storer.enableSms(pid, 0, NUMBER, null));
      await assert.rejects(async () => storer.disableSms(pid, 0));
    },
  },
];

/** What a storer of the capability `sms` promises. */
export const smsConformance: Suite<Storer> = { name: "sms", cases };
