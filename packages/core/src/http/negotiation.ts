/** Whether a request wants HTML or JSON. @module */
import type { IncomingMessage } from "node:http";

/** The media type of a Content-Type header: lower case, without parameters. `null` for a missing or ambiguous one. */
export function mediaType(header: string | undefined): string | null {
  if (!header || header.includes(",")) return null;
  const type = header.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(type) ? type : null;
}

export const isJson = (req: IncomingMessage): boolean => mediaType(req.headers["content-type"]) === "application/json";

/** How much a client likes a media type (RFC 9110, 12.5.1): the quality of the most specific range that covers it. */
function quality(ranges: readonly { readonly range: string; readonly q: number }[], type: string): number {
  const whole = `${type.split("/", 1)[0]}/*`;
  for (const candidate of [type, whole, "*/*"]) {
    const match = ranges.find(({ range }) => range === candidate);
    if (match) return match.q;
  }
  return 0;
}

/** By Accept; where it prefers neither, by the type of the body; HTML otherwise. */
export function wantsJson(req: IncomingMessage): boolean {
  const accept = req.headers.accept;
  if (accept && accept !== "*/*") {
    const ranges = accept
      .slice(0, 2000)
      .split(",")
      .map((part) => {
        const [range = "", ...parameters] = part.trim().toLowerCase().split(";");
        const q = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("q="));
        return { range: range.trim(), q: q ? Number(q.slice(2)) || 0 : 1 };
      });
    const [json, html] = [quality(ranges, "application/json"), quality(ranges, "text/html")];
    if (json !== html) return json > html;
  }
  return isJson(req);
}
