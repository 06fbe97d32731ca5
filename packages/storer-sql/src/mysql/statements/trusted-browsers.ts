/** The SQL of trusted browsers. One of another epoch than its user's is dead. @module */
import type { TrustedBrowserStatements } from "../../operations/trusted-browsers.ts";

/** The live ones of a user: those that expire after `now`. */
const live = (
  now: string,
): string => `SELECT t.public_id, t.key_hash, u.pid, t.epoch, t.created_at AS trusted_at, t.expires_at, t.user_agent, t.network
FROM castellan_user AS u
JOIN castellan_trusted_browser AS t ON t.user_id = u.id AND t.epoch = u.epoch
WHERE u.pid = ?1 AND t.expires_at > ${now}`;

export const trustedBrowsers: TrustedBrowserStatements = {
  addTrustedBrowser: {
    sql: `INSERT INTO castellan_trusted_browser (public_id, key_hash, user_id, epoch, created_at, expires_at, user_agent, network)
SELECT ?1, ?2, id, epoch, ?5, ?6, ?7, ?8
FROM castellan_user
WHERE pid = ?3 AND epoch = ?4`,
  },
  findTrustedBrowser: {
    sql: `${live("?3")} AND t.key_hash = ?2`,
  },
  listTrustedBrowsers: {
    sql: `${live("?2")}
ORDER BY t.created_at DESC, t.id DESC
LIMIT 100`,
  },
  endTrustedBrowser: {
    sql: `DELETE FROM castellan_trusted_browser
WHERE public_id = ?2 AND user_id = (SELECT id FROM castellan_user WHERE pid = ?1)`,
  },
  endTrustedBrowsers: {
    sql: `DELETE FROM castellan_trusted_browser
WHERE user_id = (SELECT id FROM castellan_user WHERE pid = ?1)`,
  },
};
