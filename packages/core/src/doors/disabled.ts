/** Users that were put out: asked at every door that somebody could come in by. @module */
import { meets } from "../capabilities/capability.ts";
import { disableable } from "../capabilities/disableable.ts";
import type { Engine } from "../engine.ts";
import { type Reply, refuse } from "../replies.ts";
import type { User } from "../users.ts";

/** The refusal of a user who is disabled; `null` for everybody else. Asked after the secret was right, so that strangers learn nothing. */
export function refusalOfDisabled({ storer }: Engine, user: User): Reply | null {
  if (!meets(storer, disableable)) return null;
  return Reflect.get(user, "disabledAt") === null ? null : refuse(403, "account_disabled");
}
