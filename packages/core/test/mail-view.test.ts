/** Mails as text and as HTML. @module */
import assert from "node:assert/strict";
import { letter } from "@castellan/core";
import { describe, it } from "vitest";

describe("a letter", () => {
  it("says the same in text and in HTML, with its link in both, to be clicked and to be copied", () => {
    const link = "https://app.example.com/auth/confirm?token=a&b=c";
    const { subject, text, html } = letter("Hello", ["One.", { link, label: "Go there" }, "Two."]);
    assert.equal(subject, "Hello");
    assert.equal(text, `One.\n\nGo there:\n${link}\n\nTwo.\n`);
    const escaped = link.replace("&", "&amp;");
    assert.ok(html?.includes(`<p>One.</p><p><a href="${escaped}">Go there</a></p><p>${escaped}</p><p>Two.</p>`));
  });

  it("escapes whatever is put into it", () => {
    const hostile = `<img src=x onerror="alert('1')">&`;
    const { text, html } = letter(hostile, [hostile, { link: `https://x.example/"><script>`, label: hostile }]);
    assert.ok(text.includes(hostile), "text stays text");
    assert.ok(!html?.includes("<img") && !html?.includes("<script"));
    assert.ok(html?.includes("<title>&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;</title>"));
    assert.ok(html?.includes(`href="https://x.example/&quot;&gt;&lt;script&gt;"`));
  });

  it("brings no picture, no style sheet and no script, so that nobody learns that it was read", () => {
    const { html = "" } = letter("Hello", ["One.", { link: "https://app.example.com", label: "Go" }]);
    assert.doesNotMatch(html, /<(img|link|script|style|iframe)|src=|url\(/);
  });
});
