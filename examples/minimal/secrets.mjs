/** Before the first start: makes .env with two secrets. A .env that is there stays as it is. @module */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";

const secret = () => randomBytes(32).toString("base64url");

try {
  writeFileSync(".env", `CASTELLAN_KEY=${secret()}\nSESSION_SECRET=${secret()}\n`, { flag: "wx", mode: 0o600 });
  console.log("Made .env with two random secrets. Keep it, and keep it out of version control.");
} catch (error) {
  if (error.code !== "EEXIST") throw error;
}
