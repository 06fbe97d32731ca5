/** Reads the body of a request to one of our own routes, whether or not a body parser was there first. @module */
import type { IncomingMessage } from "node:http";
import type { Body } from "./fields.ts";
import { mediaType } from "./negotiation.ts";

const LONGEST_BODY = 16 * 1024;
const MOST_FIELDS = 50;
/** Read and thrown away, so that a client which is still sending gets to see the answer. */
const MOST_DISCARDED = 1024 * 1024;

/** What is wrong with a body as a whole, with the status that says so. */
export interface BodyFault {
  readonly status: 400 | 413 | 415;
  readonly reason: "body_malformed" | "body_too_large" | "body_type_unsupported";
}

const MALFORMED: BodyFault = { status: 400, reason: "body_malformed" };
const TOO_LARGE: BodyFault = { status: 413, reason: "body_too_large" };
const UNSUPPORTED: BodyFault = { status: 415, reason: "body_type_unsupported" };

type BodyAnswer = { readonly body: Body } | { readonly fault: BodyFault };

const EMPTY: Body = new Map();

/** `application/x-www-form-urlencoded`, strictly: bad escapes and bad UTF-8 are refused, since two of them could stand for one text. */
function parseForm(text: string): BodyAnswer {
  const body = new Map<string, unknown>();
  const pairs = text === "" ? [] : text.split("&");
  if (pairs.length > MOST_FIELDS) return { fault: MALFORMED };
  try {
    for (const pair of pairs) {
      if (pair === "") continue;
      const at = pair.indexOf("=");
      const decode = (part: string): string => decodeURIComponent(part.replaceAll("+", " "));
      const name = decode(at < 0 ? pair : pair.slice(0, at));
      const value = at < 0 ? "" : decode(pair.slice(at + 1));
      // A field that comes twice is kept as a list: whoever reads it will find that it is no text.
      body.set(name, body.has(name) ? [body.get(name), value].flat() : value);
    }
  } catch (error) {
    if (error instanceof URIError) return { fault: MALFORMED };
    throw error;
  }
  return { body };
}

/** How many names stand at the top level of a JSON object. More than its keys means that one came twice. */
function countNames(json: string): number {
  let [depth, names, inText] = [0, 0, false];
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (inText) {
      if (character === "\\") at += 1;
      else if (character === '"') inText = false;
    } else if (character === '"') inText = true;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    else if (character === ":" && depth === 1) names += 1;
  }
  return names;
}

function parseJson(text: string): BodyAnswer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fault: MALFORMED };
  }
  const answer = ofObject(value);
  // Parsers disagree about which of two equal names counts (RFC 8259, section 4), so neither does.
  if ("body" in answer && countNames(text) !== answer.body.size) return { fault: MALFORMED };
  return answer;
}

function ofObject(value: unknown): BodyAnswer {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { fault: MALFORMED };
  const entries = Object.entries(value);
  return entries.length > MOST_FIELDS ? { fault: MALFORMED } : { body: new Map(entries) };
}

function parse(type: string, bytes: Uint8Array): BodyAnswer {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { fault: MALFORMED };
  }
  return type === "application/json" ? parseJson(text) : parseForm(text);
}

/** The bytes of the request, or `null` when there are more than we read. */
async function collect(req: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size <= LONGEST_BODY) chunks.push(bytes);
    if (size > MOST_DISCARDED) break;
  }
  return size > LONGEST_BODY ? null : Buffer.concat(chunks);
}

const hasBody = (req: IncomingMessage): boolean =>
  req.headers["transfer-encoding"] !== undefined || Number(req.headers["content-length"] ?? 0) > 0;

/** What a body parser that ran before us left behind. */
function ofParsed(type: string, parsed: unknown): BodyAnswer {
  if (typeof parsed === "string") return ofParsed(type, Buffer.from(parsed));
  if (parsed instanceof Uint8Array) return parsed.length > LONGEST_BODY ? { fault: TOO_LARGE } : parse(type, parsed);
  return ofObject(parsed);
}

/** Urlencoded or JSON, at most 16 KiB and 50 fields. No body at all is an empty one. */
export async function readBody(req: IncomingMessage & { readonly body?: unknown }): Promise<BodyAnswer> {
  if (!hasBody(req)) return { body: EMPTY };
  const type = mediaType(req.headers["content-type"]);
  if (type !== "application/json" && type !== "application/x-www-form-urlencoded") return { fault: UNSUPPORTED };
  if (req.readableDidRead || req.readableEnded) return ofParsed(type, req.body);
  const encoding = req.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") return { fault: UNSUPPORTED };
  const bytes = await collect(req);
  return bytes ? parse(type, bytes) : { fault: TOO_LARGE };
}
