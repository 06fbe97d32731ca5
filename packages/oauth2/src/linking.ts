/** Identities that become a user's: at once where somebody is signed in, or after a proof and the whole way through the login door. @module */
import { type Context, type Core, login, type Proof, type Reply, redirect, refuse, type User } from "@castellan/core";
import { linkIdentity } from "./channels.ts";
import type { Desk, Found } from "./desk.ts";
import { WAY_LASTS } from "./flows.ts";
import { identityLinkedMail } from "./mails.ts";

const READY = "ready";

/** The password or the mailbox of this user was proved in this browser; a second factor may still be asked for. */
interface Ready {
  readonly found: Found;
  readonly pid: string;
  readonly epoch: number;
  /** When that was, as ISO 8601: tells the sign-in that begins with this proof from every other. */
  readonly provedAt: string;
}

/** The method of proofs by a provider, and what brings sign-ins about that go through here. */
export const METHOD = "oauth2";

/** The reason of a sign-in by which an identity became the user's. */
export const LINKED = "oauth2_linked";

export interface Linking {
  /** Gives the identity to the user now. Answers the refusal, or `null` when it is theirs. */
  link(ctx: Context, user: User, found: Found): Promise<Reply | null>;
  /**
   * Gives the identity to the user as soon as the sign-in is complete that this proof begins: whoever knows the password alone gets no new way in past the second factor, and no other sign-in in this
   * browser brings it about.
   */
  linkAfterLogin(ctx: Context, proof: Proof, found: Found): Promise<void>;
  /** The answer to a sign-in after which the identity should be the user's: where it is not, it says so. */
  answerFor(reply: Reply, pid: string, found: Found): Promise<Reply>;
}

/**
 * Where addresses are confirmed, an account whose address is not may change hands when the mailbox's owner turns up: whoever made it gets no way in that a new password does not take away. However they
 * come: by the page of connected accounts, or by a proof.
 */
export const isUnconfirmed = (core: Core, user: User): boolean => core.isLoaded("confirm") && Reflect.get(user, "confirmedAt") === null;

export function linkingOf({ core, flows, identityOf, labelOf }: Desk): Linking {
  const link: Linking["link"] = async (ctx, user, found) => {
    if (isUnconfirmed(core, user)) return refuse(403, "oauth2_confirm_first");
    const event = { user, identity: identityOf(found, user.pid), ctx };
    const refused = await core.emit.before(linkIdentity, event);
    if (refused) return refused;
    if (!(await core.storer.linkIdentity(user.pid, user.epoch, event.identity))) {
      const owner = await core.storer.findIdentity(found.issuer, found.subject);
      // The same person in another tab was quicker.
      return owner?.pid === user.pid ? null : refuse(409, "oauth2_identity_taken");
    }
    await core.emit.after(linkIdentity, event);
    await core.tell(identityLinkedMail, { provider: labelOf(found.provider), account: found.email ?? found.name ?? "?" }, user, ctx);
    return null;
  };

  core.on(login).after("record", async ({ user, ctx, proof, via }) => {
    if (via !== METHOD) return;
    const ready = await flows.takeWaiting<Ready>(ctx, READY);
    if (ready?.pid !== user.pid || ready.epoch !== user.epoch || ready.provedAt !== proof.at.toISOString()) return;
    const refused = await link(ctx, user, ready.found);
    // They are in by their own means; that the identity was given away in between is no reason to put them out.
    if (refused) core.logger.warn("an identity could not be linked after the sign-in", { provider: ready.found.provider });
  });

  return {
    link,
    async answerFor(reply, pid, { issuer, subject }) {
      if (reply.kind !== "redirect" || reply.reason !== LINKED) return reply;
      const identity = await core.storer.findIdentity(issuer, subject);
      return identity?.pid === pid ? reply : redirect(reply.to, { reason: "oauth2_link_failed", flash: "failure" });
    },
    linkAfterLogin: (ctx, { pid, epoch, at }, found) =>
      flows.wait(ctx, READY, { found, pid, epoch, provedAt: at.toISOString() } satisfies Ready, WAY_LASTS),
  };
}
