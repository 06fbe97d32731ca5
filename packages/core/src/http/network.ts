/** Which network a request comes from, as limits count it. @module */
import { isIP } from "node:net";

/** The eight groups of an IPv6 address, the last two from a dotted part if there is one. */
function groupsOf(address: string): number[] | null {
  const [head = "", tail] = address.split("::");
  const parse = (part: string): number[] =>
    part === ""
      ? []
      : part.split(":").flatMap((group) => {
          if (!group.includes(".")) return [Number.parseInt(group, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
          return [a * 256 + b, c * 256 + d];
        });
  const [before, after] = [parse(head), tail === undefined ? [] : parse(tail)];
  const gap = 8 - before.length - after.length;
  if (gap < 0 || (tail === undefined && gap !== 0)) return null;
  return [...before, ...Array<number>(gap).fill(0), ...after];
}

/** Some proxies write the port into X-Forwarded-For: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const withoutPort = (address: string): string => /^(?:\[(.+)\]|([\d.]+))(?::\d{1,5})?$/.exec(address)?.slice(1).find(Boolean) ?? address;

/**
 * An IPv4 address whole, also when it comes mapped into IPv6 (`::ffff:192.0.2.1`); of an IPv6 address the first 64 bits, since one
 * subscriber has at least those. Anything else is `"unknown"`, which is one network.
 */
export function networkOf(address: string | undefined): string {
  const bare = withoutPort(address ?? "").split("%")[0] ?? "";
  const kind = isIP(bare);
  if (kind === 4) return bare;
  const groups = kind === 6 ? groupsOf(bare) : null;
  if (!groups) return "unknown";
  const [, , , , , mark = 0, high = 0, low = 0] = groups;
  if (groups.slice(0, 5).every((group) => group === 0) && mark === 0xffff) return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}
