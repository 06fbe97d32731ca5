/** As much of Redis's protocol as the bench needs, without a driver: one command at a time, and its answer as it comes. @module */
import { once } from "node:events";
import { connect } from "node:net";

/** Whether an answer is whole: a bulk string says how long it is, every other one that is asked for here ends with its line. @param {string} text */
function isWhole(text) {
  const [, length] = /^\$(\d+)\r\n/.exec(text) ?? [];
  if (length === undefined) return text.endsWith("\r\n");
  return Buffer.byteLength(text) >= `$${length}\r\n\r\n`.length + Number(length);
}

/** @param {string} uri */
export async function sayTo(uri) {
  const { hostname, port, username, password } = new URL(uri);
  const socket = connect(Number(port) || 6379, hostname).setNoDelay(true);
  await once(socket, "connect");
  let [text, answer, fail] = ["", (/** @type {string} */ _text) => {}, (/** @type {Error} */ _error) => {}];
  socket.on("error", (error) => fail(error));
  socket.on("data", (data) => {
    text += data.toString();
    if (!isWhole(text)) return;
    if (text.startsWith("-")) fail(new Error(text.trim()));
    else answer(text);
  });
  /** @returns {Promise<string>} */
  const say = (/** @type {readonly string[]} */ ...words) =>
    new Promise((resolve, reject) => {
      [text, answer, fail] = ["", resolve, reject];
      socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`);
    });
  if (password) await say("AUTH", decodeURIComponent(username || "default"), decodeURIComponent(password));
  return { say, close: () => void socket.destroy() };
}
