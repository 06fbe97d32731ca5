/** The storer in memory, with what the module `terms` needs added to it. @module */
import type { Needs, ServerStorer } from "@castellan/core";
import { type MemoryStorer, type MemoryUser, memoryStorer } from "@castellan/testkit";
import type { AgreeingUser, AgreeOperations } from "./terms.ts";

/** Everything of the storer in memory, with users that have one field more. */
type TermsStorer = Omit<MemoryStorer, keyof ServerStorer> & Needs<MemoryUser & AgreeingUser, AgreeOperations>;

/** In a database this is a column of the users, and `agree` is `UPDATE users SET agreed_at = ? WHERE pid = ? AND agreed_at IS NULL`. */
export function termsStorer(storer = memoryStorer()): TermsStorer {
  const agreed = new Map<string, Date>();
  const withField = (user: MemoryUser): MemoryUser & AgreeingUser => ({ ...user, agreedAt: agreed.get(user.pid) ?? null });
  return {
    ...storer,
    userFields: [...storer.userFields, "agreedAt"],
    async load(pid) {
      const user = await storer.load(pid);
      return user && withField(user);
    },
    async findByLogin(login) {
      const user = await storer.findByLogin(login);
      return user && withField(user);
    },
    async findSignIn(key, now) {
      const found = await storer.findSignIn(key, now);
      return found && { ...found, user: withField(found.user) };
    },
    async agree(pid, now) {
      if (agreed.has(pid)) return false;
      agreed.set(pid, now);
      return true;
    },
  };
}
