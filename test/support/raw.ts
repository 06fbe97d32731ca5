/** Requests as they stand, byte by byte: what no client would send. */
import { connect } from "node:net";

export interface RawAnswer {
  /** 0 when the server hung up without a word. */
  readonly status: number;
  /** Header lines and body, as they came. */
  readonly text: string;
}

/** The value of a header in a raw answer; `null` for none. */
export const headerOf = ({ text }: RawAnswer, name: string): string | null =>
  new RegExp(`^${name}: (.*)\\r$`, "im").exec(text.split("\r\n\r\n", 1)[0] ?? "")?.[1] ?? null;

/** Sends `bytes` to `url` and waits until the server closes the connection; `hangUp` closes it right after sending. */
export function sendRaw(url: string, bytes: string | Uint8Array, { hangUp = false } = {}): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => {
      socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, () => {
        // The next turn, so that the server has seen the beginning.
        if (hangUp) setImmediate(() => socket.destroy());
      });
    });
    socket.on("data", (chunk) => chunks.push(chunk));
    // A server may hang up on what is no HTTP; that is an answer too.
    socket.on("error", () => {});
    socket.on("close", () => {
      const text = Buffer.concat(chunks).toString("latin1");
      // After "100 Continue" comes the answer itself.
      const last = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, "");
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(last)?.[1] ?? 0), text: last });
    });
  });
}

/** A GET of `target`, which is not normalised. */
export const rawGet = (url: string, target: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> => {
  const lines = Object.entries({ Host: "app.example.test", "X-Forwarded-Proto": "https", ...headers, Connection: "close" });
  return sendRaw(url, `GET ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
};
