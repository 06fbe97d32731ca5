/** Opens a file or a server, whichever the place is. @module */
import { minutes } from "@castellan/core";
import { mysql } from "@castellan/storer-sql/mysql";
import { postgres } from "@castellan/storer-sql/postgres";
import { sqlite } from "@castellan/storer-sql/sqlite";

export function open(place, options = {}) {
  if (place.startsWith("postgres:")) return postgres({ uri: place, ...options });
  if (place.startsWith("mysql:")) return mysql({ uri: place, ...options });
  // Who wins is the question, not how fast: on a busy machine the other one may hold the file for longer than an application would wait.
  return sqlite({ file: place, busyTimeout: minutes(1), ...options });
}
