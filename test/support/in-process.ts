/** Sends requests to an application without a socket: for the many that a test needs. @module */
import { IncomingMessage, type RequestListener, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Writable } from "node:stream";

type Visit = (method: string, path: string) => Promise<ServerResponse>;

/** Every request has `headers`. What is answered is thrown away, up to its head. */
export const inProcess =
  (app: RequestListener, headers: Readonly<Record<string, string>>): Visit =>
  (method, path) =>
    new Promise((resolve) => {
      const req = new IncomingMessage(new Socket());
      Object.assign(req, { method, url: path, headers: { ...headers } });
      req.push(null);
      const res = new ServerResponse(req);
      // All that a response does with its socket is to write.
      res.assignSocket(new Writable({ write: (_chunk, _encoding, done) => done() }) as Socket);
      res.on("finish", () => resolve(res));
      app(req, res);
    });
