import { escapeHtml, html, trustedHtml } from "@castellan/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const EVIL = `"'><script>alert(1)</script>&amp;`;
const ESCAPED = "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;";

/** What a browser reads in an element's text and in a quoted attribute. */
const read = (markup: string): string =>
  markup.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[name] ?? "?");

describe("what is put into markup", () => {
  it("is text, in an element and in a quoted attribute", () => {
    expect(html`<p title="${EVIL}" lang='${EVIL}'>${EVIL}</p>`.markup).toBe(`<p title="${ESCAPED}" lang='${ESCAPED}'>${ESCAPED}</p>`);
  });

  it("is read as exactly what it was, and never ends an element or an attribute", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"']/);
        expect(escaped).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/);
        expect(read(escaped)).toBe(text);
        expect(html`${text}`.markup).toBe(escaped);
      }),
    );
  });

  it("may be a number, a list, or nothing", () => {
    expect(html`${0}|${-1.5}|${null}|${undefined}|${false}|${""}|${[]}`.markup).toBe("0|-1.5|||||");
    expect(html`${["<", [html`<b>${">"}</b>`, null, 7]]}`.markup).toBe("&lt;<b>&gt;</b>7");
  });

  it("is left as it is when it was made by this tag, however deep", () => {
    expect(html`<ul>${["a", "<"].map((text) => html`<li>${text}</li>`)}</ul>`.markup).toBe("<ul><li>a</li><li>&lt;</li></ul>");
  });

  it("is not trusted for looking like markup that this tag made", () => {
    for (const forged of [
      { markup: EVIL },
      Object.freeze({ markup: EVIL }),
      JSON.parse(JSON.stringify(html`<b>${EVIL}</b>`)),
      { ...trustedHtml(EVIL) },
    ]) {
      expect(html`${forged}`.markup).toBe("[object Object]");
    }
    const sly = { markup: EVIL, toString: () => EVIL };
    expect(html`${sly as never}`.markup).toBe(ESCAPED);
  });

  it("cannot be changed once it is made", () => {
    const made = html`<b>x</b>`;
    expect(Reflect.set(made, "markup", EVIL)).toBe(false);
    expect(made.markup).toBe("<b>x</b>");
  });

  it("is sent as it is only when the application vouches for it", () => {
    expect(html`<i>${trustedHtml("<b>x</b>")}</i>`.markup).toBe("<i><b>x</b></i>");
  });
});
