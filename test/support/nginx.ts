/** nginx, as it stands before several processes of one application. @module */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

const NGINX = "/usr/sbin/nginx";

export const withoutNginx = !existsSync(NGINX) && process.env["CI"] !== "true";
if (withoutNginx) console.warn("\n*** no nginx: several processes behind one are NOT tested. apt-get install nginx ***\n");

/** nginx in front of these ports, on one of its own. A request that one of them has seen goes to no other one. */
export async function startNginx(folder: string, port: number, upstreams: readonly string[]): Promise<() => Promise<void>> {
  const config = `
daemon off; master_process off; pid ${folder}/pid; error_log stderr notice;
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
  const nginx = spawn(NGINX, ["-c", file, "-p", folder, "-e", "stderr"], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => nginx.once("close", () => resolve()));
  // It binds its port before it begins to work, which it says: from then on the kernel takes connections for it.
  let said = "";
  const works = new Promise<void>((resolve) => {
    nginx.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("event method")) resolve();
    });
  });
  await Promise.race([works, ended.then(() => assert.fail(`nginx does not come up: ${said}`))]);
  return async () => {
    nginx.kill("SIGKILL");
    await ended;
  };
}
