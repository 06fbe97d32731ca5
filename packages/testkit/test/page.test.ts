import assert from "node:assert/strict";
import { browserClient, listen, type Page } from "@castellan/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";

const HTML = `<!doctype html><html lang="en"><head><title>Log in &amp; go</title><style>p { color: red }</style></head><body>
<h1>Log <em>in</em></h1><p>Welcome <b>back</b>.</p><p hidden>unseen</p><script>var unseen</script><noscript><p>Scripts are off.</p></noscript>
<ul><li class="problem hint" id="p1">Enter your <a href="#email">e-mail address</a></li><li class="problem">Try again later</li></ul>
<form id="login" method="post" action="/auth/login?next=1">
  <input type="hidden" name="_csrf" value="t&quot;oken">
  <label for="email">E-mail</label><input id="email" name="email" type="email" value="ann@" autofocus
    autocomplete="username" aria-describedby="p0 p1" required><span id="p0">Work or private</span>
  <label>Password <input name="password" type="password"></label>
  <input type="checkbox" name="remember"><input type="checkbox" name="terms" value="yes" checked>
  <input type="radio" name="size" value="s" checked><input type="radio" name="size" value="l">
  <select name="lang"><option>en</option><option value="de" selected>Deutsch</option><option disabled>fr</option></select>
  <textarea name="note">
a &lt; b</textarea>
  <input name="off" value="1" disabled><fieldset disabled><input name="set" value="1"></fieldset>
  <input value="nameless"><input type="reset"><button type="button" name="b" value="1">Help</button>
  <button name="do" value="in">Log in</button><button name="do" value="other" formaction="/other" formmethod="get">Other</button>
</form>
<input form="login" name="outside" value="far"><a href="../help?x=1">Help <i>me</i></a>
<form action="search"><input name="q"></form><form id="file" method="post" enctype="multipart/form-data"></form>
</body></html>`;

let server: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  server = await listen(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method, url, headers } = request;
    if (url === "/quiet") response.setHeader("Referrer-Policy", "no-referrer");
    response.end(url === "/auth/page" || url === "/quiet" ? HTML : JSON.stringify({ method, url, body, headers }));
  });
});
afterAll(() => server.close());

const open = async (path = "/auth/page"): Promise<Page> => (await browserClient(server.url).get(path)).page;
// The server above answers what it saw.
const seenBy = (answer: { json(): unknown }) =>
  answer.json() as { method: string; url: string; body: string; headers: Record<string, string> };
const valuesIn = (body: string) => Object.fromEntries(new URLSearchParams(body));

const UNTOUCHED = {
  _csrf: 't"oken',
  email: "ann@",
  password: "",
  terms: "yes",
  size: "s",
  lang: "de",
  note: "a < b",
  do: "in",
  outside: "far",
};

describe("a page", () => {
  it("reads as a person without JavaScript reads it", async () => {
    const page = await open();
    assert.equal(page.title, "Log in & go");
    assert.equal(page.heading, "Log in");
    assert.match(page.text, /^Log in Welcome back. Scripts are off. Enter your e-mail address Try again later E-mail/);
    assert.doesNotMatch(page.text, /unseen|color/);
    assert.equal(page.focused, "email");
  });

  it("links each problem to the field that is described by it", async () => {
    assert.deepEqual((await open()).problems, [
      { field: "email", text: "Enter your e-mail address" },
      { field: null, text: "Try again later" },
    ]);
  });

  it("finds a form by its id, by the path of its action, and the only one without a name", async () => {
    const page = await open();
    assert.equal(page.forms.length, 3);
    assert.equal(page.form("#login"), page.forms[0]);
    assert.equal(page.form("/auth/login"), page.forms[0]);
    assert.equal(page.form("/auth/search"), page.forms[1]);
    assert.throws(() => page.form(), /3 forms are there, not one/);
    assert.throws(() => page.form("/nowhere"), /0 forms are \/nowhere.*#login, \/auth\/search, #file/);
  });

  it("tells of each field its label, its description, its choices and any attribute", async () => {
    const form = (await open()).form("#login");
    const email = form.field("email");
    assert.deepEqual([email.type, email.value, email.label], ["email", "ann@", "E-mail"]);
    assert.equal(email.description, "Work or private Enter your e-mail address");
    assert.equal(email.attribute("autocomplete"), "username");
    assert.equal(form.field("password").label, "Password");
    assert.deepEqual(form.field("lang").choices, ["en", "de", "fr"]);
    assert.deepEqual(
      form.buttons.map(({ text }) => text),
      ["Log in", "Other"],
    );
    assert.throws(() => form.field("set"), /no field "set"/);
  });
});

describe("a form", () => {
  it("sends what is there already: hidden fields, what is on, what is chosen, and the first button", async () => {
    const { method, url, body, headers } = seenBy(await (await open()).form("#login").submit());
    assert.deepEqual([method, url], ["POST", "/auth/login?next=1"]);
    assert.deepEqual(valuesIn(body), UNTOUCHED);
    assert.equal(headers["origin"], server.url);
    assert.equal(headers["referer"], `${server.url}/auth/page`);
    assert.equal(headers["sec-fetch-site"], "same-origin");
  });

  it("sends what a person enters in its place", async () => {
    const entered = { email: "bob@example.com", password: "ü%&", remember: true, terms: false, size: "l", lang: "en", note: "1\n2" };
    const { body } = seenBy(await (await open()).form("#login").submit(entered));
    const { terms: _, ...rest } = { ...UNTOUCHED, ...entered, remember: "on", note: "1\r\n2" };
    assert.deepEqual(valuesIn(body), rest);
  });

  it("goes by the button that is pressed: its value, its action, its method", async () => {
    const form = (await open()).form("#login");
    const { method, url } = seenBy(await form.submit({}, { button: "Other" }));
    assert.equal(method, "GET");
    assert.match(url, /^\/other\?_csrf=t%22oken&.*do=other/);
    assert.match(seenBy(await form.submit({}, { button: "do=in" })).body, /do=in/);
    await assert.rejects(form.submit({}, { button: "Leave" }), /no button "Leave": it has Log in, Other/);
  });

  it("lets a person do only what a person can, and an attacker everything", async () => {
    const form = (await open()).form("#login");
    await assert.rejects(form.submit({ emial: "x" }), /no field "emial"/);
    await assert.rejects(form.submit({ _csrf: "x" }), /hidden/);
    await assert.rejects(form.submit({ remember: "on" }), /checkbox/);
    await assert.rejects(form.submit({ email: true }), /does not take true/);
    await assert.rejects(form.submit({ size: "xl" }), /offers s, l/);
    await assert.rejects(form.submit({ lang: "it" }), /offers en, de/);
    await assert.rejects((await open()).form("#file").submit(), /multipart/);
    const { body } = seenBy(await form.submit({}, { tamper: { _csrf: "forged", admin: "1" } }));
    assert.deepEqual(valuesIn(body), { ...UNTOUCHED, _csrf: "forged", admin: "1" });
  });

  it("is sent by GET with its values in the address when it says nothing else", async () => {
    const { method, url } = seenBy(await (await open()).form("/auth/search").submit({ q: "a b" }));
    assert.deepEqual([method, url], ["GET", "/auth/search?q=a+b"]);
  });

  it("says Origin: null from a page that sends no referrer, as browsers do", async () => {
    const { headers } = seenBy(await (await open("/quiet")).form("#login").submit());
    assert.deepEqual([headers["origin"], headers["referer"], headers["sec-fetch-site"]], ["null", undefined, "same-origin"]);
  });
});

describe("a link", () => {
  it("leads where a browser would go from that page", async () => {
    const page = await open();
    const { url, headers } = seenBy(await page.link("Help me").follow());
    assert.equal(url, "/help?x=1");
    assert.equal(headers["referer"], `${server.url}/auth/page`);
    assert.throws(() => page.link("Nowhere"), /no link says "Nowhere"/);
  });
});
