import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJson, mediaType, wantsJson } from "../dist/http/negotiation.js";

function requestWith(headers: Readonly<Record<string, string | undefined>>): IncomingMessage {
  const req = new IncomingMessage(new Socket());
  Object.assign(req.headers, headers);
  return req;
}

const wants = (accept: string | undefined, type?: string): "json" | "html" =>
  wantsJson(requestWith({ accept, "content-type": type })) ? "json" : "html";

describe("a request", () => {
  it.each([
    "application/json",
    "Application/JSON",
    " application/json ",
    "application/json;q=1",
    "application/json; charset=utf-8",
    "application/json, text/plain, */*;q=0.1",
    "application/json, text/html;q=0.9",
    "text/html;q=0.5, application/json",
    "application/*",
    "application/*;q=0.2, text/html;q=0.1",
    "text/html;q=0, */*",
    "text/*;q=0.1, application/json;q=0.2",
    "*/*;q=0.1, application/json;q=0.9",
    "application/json;q=0.001",
    "application/json;q=0.5;ext=1, text/html;ext=1;q=0.4",
  ])("gets JSON when it likes that better: %s", (accept) => {
    expect(wants(accept)).toBe("json");
    expect(wants(accept, "application/x-www-form-urlencoded")).toBe("json");
  });

  it.each([
    "text/html",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/*",
    "text/html;q=0.9, application/json;q=0.8",
    "application/json;q=0, */*",
    "application/json;q=0.1, text/html",
    "*/*;q=0.5, application/json;q=0.4",
    "application/*;q=0.2, */*;q=0.3",
    "application/json;q=nonsense, text/html;q=0.1",
    "text/html, application/problem+json",
  ])("gets HTML when it likes that better: %s", (accept) => {
    expect(wants(accept)).toBe("html");
    expect(wants(accept, "application/json")).toBe("html");
  });

  it.each([
    [undefined],
    [""],
    ["*/*"],
    ["*/*;q=0.8"],
    ["image/png"],
    ["application/problem+json"],
    ["application/jsonp"],
    ["text/html, application/json"],
    ["application/json, text/html"],
    ["text/*, application/*"],
    ["text/html;q=0, application/json;q=0"],
    ["nonsense"],
    [",;q=,;;"],
  ])("that prefers neither gets what it sent itself: %s", (accept) => {
    expect(wants(accept, "application/json")).toBe("json");
    expect(wants(accept, "application/json; charset=utf-8")).toBe("json");
    expect(wants(accept, "application/x-www-form-urlencoded")).toBe("html");
    expect(wants(accept, "text/plain")).toBe("html");
    expect(wants(accept)).toBe("html");
  });

  it("is soon understood, whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (accept, type) =>
        ["json", "html"].includes(wants(accept, type)),
      ),
    );
    expect(wants(`${"a/b;q=0.1,".repeat(100_000)}application/json`)).toBe("html");
  });
});

describe("a media type", () => {
  it.each([
    ["application/json", "application/json"],
    ["Application/JSON; charset=UTF-8", "application/json"],
    ["  text/html  ;x=y", "text/html"],
    ["application/vnd.api+json", "application/vnd.api+json"],
  ])("is read without its parameters, in lower case: %s", (header, type) => {
    expect(mediaType(header)).toBe(type);
  });

  it.each([
    [undefined],
    [""],
    [" "],
    [";"],
    ["json"],
    ["/"],
    ["a/"],
    ["/b"],
    ["a/b/c"],
    ["a b/c"],
    ["*/*"],
    ["a/b, c/d"],
    ["application/json; charset=utf-8, text/plain"],
    ["application/json,application/json"],
    ["a/b\u00a0x"],
  ])("is none where it is missing, broken or not alone: %j", (header) => {
    expect(mediaType(header)).toBeNull();
  });

  it("is JSON only when it is exactly that (R83)", () => {
    const jsonOf = (type: string | undefined) => isJson(requestWith({ "content-type": type }));
    expect(jsonOf("application/json")).toBe(true);
    expect(jsonOf("APPLICATION/json; charset=utf-8")).toBe(true);
    for (const type of [
      undefined,
      "",
      "text/plain",
      "text/plain; application/json",
      "application/json+x",
      "application/ld+json",
      "text/json",
      "application/json, text/plain",
      "x/application/json",
    ]) {
      expect(jsonOf(type), type).toBe(false);
    }
  });
});
