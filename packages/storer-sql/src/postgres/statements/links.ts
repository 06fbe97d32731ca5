/**
 * The SQL of mailed links. One of another epoch than its user's is dead, so whatever advances the epoch spends them all. One whose request's first link is gone is dead
 * too, so that one statement is enough to replace all that an older request made, be they more. @module
 */
import type { LinkStatements } from "../../operations/links.ts";

/** A link of a purpose that the proof opens and that is live, but for its user: as a condition on `castellan_link AS l`. */
const opens = (purpose: string): string => `l.purpose = '${purpose}' AND l.selector = $1 AND l.verifier_hash = $2 AND l.expires_at > $3
    AND EXISTS (SELECT 1 FROM castellan_link AS f WHERE f.selector = l.request)`;

/** The same with its user, `castellan_user AS u`. */
const liveLink = (purpose: string): string => `SELECT 1 FROM castellan_link AS l
    WHERE ${opens(purpose)} AND l.pid = u.pid AND l.epoch = u.epoch`;

export const links: LinkStatements = {
  startLinks: {
    sql: `INSERT INTO castellan_link (purpose, place, request, selector, verifier_hash, pid, epoch, destination, created_at, expires_at)
SELECT $1, l.place - 1, $2, l.link ->> 'selector', l.link ->> 'verifier_hash', l.link ->> 'pid', (l.link ->> 'epoch')::bigint,
  l.link ->> 'destination', (l.link ->> 'created_at')::bigint, (l.link ->> 'expires_at')::bigint
FROM jsonb_array_elements($3::jsonb) WITH ORDINALITY AS l (link, place)
ON CONFLICT (pid, purpose, place) DO UPDATE
SET request = excluded.request, selector = excluded.selector, verifier_hash = excluded.verifier_hash, epoch = excluded.epoch,
  destination = excluded.destination, created_at = excluded.created_at, expires_at = excluded.expires_at`,
  },
  finishConfirmation: {
    sql: `UPDATE castellan_user AS u
SET confirmed_at = $3
WHERE pid = (SELECT pid FROM castellan_link WHERE selector = $1) AND confirmed_at IS NULL
  AND EXISTS (${liveLink("confirm")} AND l.destination = u.email)
RETURNING pid`,
  },
  confirmUser: {
    sql: `UPDATE castellan_user
SET confirmed_at = coalesce(confirmed_at, $3::bigint)
WHERE pid = $1 AND email = $2`,
  },
  findRecovery: {
    sql: `SELECT l.pid, l.destination
FROM castellan_link AS l
JOIN castellan_user AS u ON u.pid = l.pid AND u.epoch = l.epoch
WHERE ${opens("recover")}`,
  },
  finishRecovery: {
    sql: `UPDATE castellan_user AS u
SET password_hash = $4, epoch = epoch + 1
WHERE pid = (SELECT pid FROM castellan_link WHERE selector = $1)
  AND EXISTS (${liveLink("recover")})
RETURNING pid, epoch, (SELECT destination FROM castellan_link WHERE selector = $1) AS destination`,
  },
  finishUnlock: {
    sql: `DELETE FROM castellan_attempt AS a
WHERE subject = 'pid:' || (SELECT pid FROM castellan_link WHERE selector = $1) AND locked_by = 'attempts'
  AND EXISTS (SELECT 1 FROM castellan_link AS l JOIN castellan_user AS u ON u.pid = l.pid AND u.epoch = l.epoch
    WHERE ${opens("unlock")} AND l.created_at >= a.locked_at)
RETURNING substr(subject, 5) AS pid`,
  },
};
