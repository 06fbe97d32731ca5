/** MongoDB's wire protocol, as much of it as the drivers speak: OP_MSG both ways, and OP_QUERY for the first hello. @module */
import { deserialize, serialize } from "bson";

export type Fields = Record<string, unknown>;

/** One command, put together from the sections of its message. */
export interface Request {
  readonly id: number;
  readonly body: Fields;
  /** The old form, which wants the old form of a reply. */
  readonly isQuery: boolean;
  /** Nobody waits for a reply. */
  readonly isSilent: boolean;
}

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER = 16;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;

const read = (bytes: Buffer): Fields => deserialize(bytes);

/** Takes whole messages off a stream of bytes. */
export class Messages {
  #rest: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): Request[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const requests: Request[] = [];
    while (this.#rest.length >= HEADER && this.#rest.length >= this.#rest.readInt32LE(0)) {
      const length = this.#rest.readInt32LE(0);
      requests.push(requestOf(this.#rest.subarray(0, length)));
      this.#rest = this.#rest.subarray(length);
    }
    return requests;
  }
}

function requestOf(message: Buffer): Request {
  const id = message.readInt32LE(4);
  const operation = message.readInt32LE(12);
  if (operation === OP_MSG) return { id, isQuery: false, ...messageOf(message) };
  if (operation === OP_QUERY) return { id, isQuery: true, isSilent: false, body: queryOf(message) };
  throw new Error(`the stand-in knows no operation ${operation} of the wire protocol`);
}

function messageOf(message: Buffer): Pick<Request, "body" | "isSilent"> {
  const flags = message.readUInt32LE(HEADER);
  const end = message.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  let body: Fields = {};
  const lists: Fields = {};
  for (let at = HEADER + 4; at < end; ) {
    const kind = message[at];
    const size = message.readInt32LE(at + 1);
    const section = message.subarray(at + 1, at + 1 + size);
    if (kind === 0) body = read(section);
    else {
      const zero = section.indexOf(0, 4);
      lists[section.toString("utf8", 4, zero)] = documentsOf(section.subarray(zero + 1));
    }
    at += 1 + size;
  }
  return { body: { ...body, ...lists }, isSilent: (flags & MORE_TO_COME) !== 0 };
}

function documentsOf(bytes: Buffer): Fields[] {
  const documents: Fields[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at)) {
    documents.push(read(bytes.subarray(at, at + bytes.readInt32LE(at))));
  }
  return documents;
}

function queryOf(message: Buffer): Fields {
  const zero = message.indexOf(0, HEADER + 4);
  const at = zero + 1 + 8;
  const database = message.toString("utf8", HEADER + 4, zero).split(".", 1)[0];
  return { $db: database, ...read(message.subarray(at, at + message.readInt32LE(at))) };
}

/** The bytes of a reply to `request`. */
export function replyTo(request: Request, reply: Fields): Buffer {
  const body = serialize(reply, { ignoreUndefined: true });
  const head = Buffer.alloc(HEADER + (request.isQuery ? 20 : 5));
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(request.id, 8);
  head.writeInt32LE(request.isQuery ? OP_REPLY : OP_MSG, 12);
  // An old reply says how many documents follow; a new one has flags and the kind of its section, all zero.
  if (request.isQuery) head.writeInt32LE(1, HEADER + 16);
  return Buffer.concat([head, body]);
}
