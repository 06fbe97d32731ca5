/** nginx, as it stands before several processes of one application. @module */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const NGINX = "/usr/sbin/nginx";

export const withoutNginx = !existsSync(NGINX) && process.env["CI"] !== "true";
if (withoutNginx) console.warn("\n*** no nginx: several processes behind one are NOT tested. apt-get install nginx ***\n");

/** nginx in front of these ports, on one of its own. A request that one of them has seen goes to no other one. */
export async function startNginx(folder: string, port: number, upstreams: readonly string[]): Promise<() => Promise<void>> {
  const config = `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c; uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  upstream app { ${upstreams.map((upstream) => `server 127.0.0.1:${upstream} max_fails=1 fail_timeout=5s;`).join(" ")} }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app; proxy_set_header Host $host:${port}; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_connect_timeout 2s; proxy_next_upstream error timeout;
    }
  }
}`;
  const file = join(folder, "nginx.conf");
  await writeFile(file, config);
  const nginx = spawn(NGINX, ["-c", file, "-p", folder, "-e", join(folder, "error.log")], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => nginx.once("close", () => resolve()));
  // It says nothing when it listens: so it is asked.
  const isUp = async (): Promise<boolean> => {
    const status = await fetch(`http://127.0.0.1:${port}/up`).then(
      (answer) => answer.status,
      () => 0,
    );
    return status === 200;
  };
  for (let tries = 0; !(await isUp()); tries += 1) {
    assert.ok(tries < 200, "nginx does not come up");
    await delay(50);
  }
  return async () => {
    nginx.kill("SIGKILL");
    await ended;
  };
}
