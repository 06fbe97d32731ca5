/** How a server means to find the rows of a statement. @module */
import { withMysql } from "./mysql-rows.ts";
import { withPostgres } from "./postgres-rows.ts";

type Texts = readonly (readonly [name: string, sql: string])[];

interface Plan {
  readonly name: string;
  /** What it reads from one end to the other. */
  readonly scans: readonly string[];
}

/** A table is read whole only where there is no index to use; an index, where no condition leads into it. */
export const plansOfPostgres = (uri: string, texts: Texts): Promise<readonly Plan[]> =>
  withPostgres(uri, async (all) => {
    await all("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan");
    const plans: Plan[] = [];
    for (const [index, [name, sql]] of texts.entries()) {
      const count = Math.max(0, ...Array.from(sql.matchAll(/\$(\d+)/g), ([, number]) => Number(number)));
      await all(`PREPARE s${index} AS ${sql}`);
      const lines = (await all(`EXPLAIN EXECUTE s${index}(${Array(count).fill("NULL").join(", ")})`)).map((row) =>
        String(row["QUERY PLAN"]),
      );
      const whole = lines.filter(
        (line, at) => /Seq Scan on castellan/.test(line) || (/Index (Only )?Scan/.test(line) && !/Cond:/.test(lines[at + 1] ?? "")),
      );
      plans.push({ name, scans: whole });
    }
    return plans;
  });

const ROWS = 400;
/** Rows enough for an index to be worth it. */
export const fillMysql = (uri: string): Promise<void> =>
  withMysql(uri, async (all) => {
    const rows = `FROM seq_1_to_${ROWS}`;
    await all(`INSERT INTO castellan_user (pid, login, email, password_hash, profile, created_at, epoch)
      SELECT concat('p', seq), concat('l', seq), '', '', '', seq, 0 ${rows};
      CREATE TEMPORARY TABLE users AS SELECT id, row_number() OVER (ORDER BY id) AS seq FROM castellan_user;
      INSERT INTO castellan_sign_in (sign_in_key, public_id, user_id, epoch, level, factors, created_at, seen_at, idle_ends_at, ends_at, user_agent, network)
      SELECT seq, seq, id, 0, 'full', '', seq, seq, seq, seq, '', '' FROM users;
      INSERT INTO castellan_challenge (public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at)
      SELECT seq, 'p', concat('p', seq), 0, seq, '', '', 1, seq, seq ${rows};
      INSERT INTO castellan_count (count_key, uses, resets_at) SELECT seq, 1, seq ${rows};
      INSERT INTO castellan_session (session_key, data, expires_at) SELECT seq, '', seq ${rows};
      INSERT INTO castellan_link (purpose, place, request, selector, verifier_hash, pid, epoch, destination, created_at, expires_at)
      SELECT 'confirm', 0, seq, seq, seq, concat('p', seq), 0, '', seq, seq ${rows};
      INSERT INTO castellan_attempt (subject, uses, window_ends_at, locks, ends_at) SELECT concat('pid:p', seq), 1, seq, 0, seq ${rows};
      INSERT INTO castellan_remember (selector, verifier_hash, pid, epoch, created_at, expires_at, user_agent)
      SELECT seq, seq, concat('p', seq), 0, seq, seq, '' ${rows};
      INSERT INTO castellan_mail (public_id, payload, attempts, created_at, due_at) SELECT seq, '', 0, seq, seq ${rows};
      INSERT INTO castellan_trusted_browser (public_id, key_hash, user_id, epoch, created_at, expires_at, user_agent, network)
      SELECT seq, seq, id, 0, seq, seq, '', '' FROM users;
      INSERT INTO castellan_identity (user_id, issuer, subject, provider, linked_at) SELECT id, 'i', seq, 'p', seq FROM users;
      INSERT INTO castellan_oauth2_flow (flow_key, browser_key, purpose, data, created_at, expires_at) SELECT seq, seq, 'p', '', seq, seq ${rows}`);
  });

export const plansOfMysql = (uri: string, texts: Texts): Promise<readonly Plan[]> =>
  withMysql(uri, async (all) => {
    const plans: Plan[] = [];
    for (const [name, sql] of texts) {
      const plain = sql
        .replace("json_table(?3", "json_table('[]'")
        .replaceAll(/LIMIT \?\d+/g, "LIMIT 5")
        .replaceAll(/\?\d+|(?<!pid):[a-z_]+/g, "'5'");
      const steps = await all(`EXPLAIN ${plain}`);
      // No type: a unique index has told already that there is no such row.
      const whole = steps.filter(
        ({ type, table, select_type: kind }) => ["ALL", "index"].includes(String(type)) && kind !== "INSERT" && table !== "l",
      );
      plans.push({ name, scans: whole.map((step) => JSON.stringify(step)) });
    }
    return plans;
  });
