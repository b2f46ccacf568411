// SPDX-License-Identifier: Apache-2.0

// The FAQ search alone, for any page of the library: a field where its <script> stands, and answers as one types. It
// styles itself inside a shadow root, stores nothing, and without scripts the page simply lacks it.

import { faq as texts } from "../texts.json";

interface Hit {
  slug: string;
  question: string;
  snippet: string;
}

const pauseMs = 250;
const minChars = 2;

const css = `
:host{all:initial;display:block;color-scheme:light dark;--ink:#20292e;--muted:#56646b;--card:#fffefb;--edge:#8b948f;--line:#dedad0;--accent:#1d5c63;--on:#fff;--focus:#b3690a}
@media (prefers-color-scheme:dark){:host(.dark){--ink:#e7ebea;--muted:#a3b0b3;--card:#191f22;--edge:#6f7d82;--line:#313b3f;--accent:#7fc8c3;--on:#0d2326;--focus:#ffc069}}
form{box-sizing:border-box;max-inline-size:40rem;padding:16px;border:1px solid var(--line);border-radius:14px;background:var(--card);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
label{display:block;margin-block-end:6px;font-weight:600}
.row{display:flex;gap:8px}
input{flex:1;min-inline-size:0;box-sizing:border-box;min-block-size:44px;padding:8px 12px;border:1px solid var(--edge);border-radius:8px;background:var(--card);color:inherit;font:inherit}
button{min-block-size:44px;padding:8px 16px;border:1px solid transparent;border-radius:8px;background:var(--accent);color:var(--on);font:inherit;font-weight:600;cursor:pointer}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
p{margin:0}
.said{margin-block-start:12px;color:var(--muted);font-size:14px}
.said:empty{display:none}
.said a{white-space:nowrap}
ul{margin:0;padding:0;list-style:none}
li{padding-block:10px;border-block-end:1px solid var(--line)}
li:last-child{border:0;padding-block-end:0}
a{color:var(--accent);font-weight:600;text-underline-offset:.15em}
li p{color:var(--muted);font-size:14px;overflow-wrap:anywhere}
@media (forced-colors:active){form,button{border:1px solid ButtonText}}`;

function start(script: HTMLScriptElement): void {
  const origin = new URL(script.src).origin;
  const department = script.dataset["department"] ?? "";
  const wish = (script.dataset["locale"] || document.documentElement.lang || navigator.language).slice(0, 2);
  const lang = wish in texts ? (wish as keyof typeof texts) : "en";
  const say = texts[lang];
  const keep = `lang=${lang}` + (department ? `&department=${encodeURIComponent(department)}` : "");

  const make = <K extends keyof HTMLElementTagNameMap>(tag: K, text = "") => {
    const e = document.createElement(tag);
    e.textContent = text;
    return e;
  };
  const host = document.createElement("div");
  host.lang = lang;
  // Dark only where the page around says that it has a dark form, too.
  if (/dark/.test(getComputedStyle(document.documentElement).colorScheme)) host.className = "dark";
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];

  // Enter leads to the page of answers, which needs nothing of this.
  const form = make("form");
  form.action = origin + "/faq";
  form.setAttribute("role", "search");
  const label = make("label", say.label);
  label.htmlFor = "q";
  const field = make("input");
  field.id = "q";
  field.name = "q";
  field.type = "search";
  field.dir = "auto";
  field.maxLength = 200;
  field.autocomplete = "off";
  const row = make("div");
  row.className = "row";
  row.append(field, make("button", say.go));
  const said = make("p");
  said.className = "said";
  said.setAttribute("role", "status");
  const list = make("ul");
  list.setAttribute("role", "list");
  for (const [name, value] of [["lang", lang], ["department", department]]) {
    if (!value) continue;
    const hidden = make("input");
    hidden.type = "hidden";
    hidden.name = name!;
    hidden.value = value;
    form.append(hidden);
  }
  form.append(label, row, said, list);
  root.append(form);

  let asked = "";
  let timer = 0;
  const link = (text: string, path: string) => {
    const a = make("a", text);
    a.href = origin + path;
    a.dir = "auto";
    return a;
  };
  const show = (text: string, hits: Hit[], ask: boolean) => {
    said.replaceChildren(text);
    if (ask) said.append(" ", link(say.ask, department ? `/chat/${encodeURIComponent(department)}?lang=${lang}` : `/?lang=${lang}`));
    list.replaceChildren(
      ...hits.map((h) => {
        const item = make("li");
        const words = make("p", h.snippet);
        words.dir = "auto";
        item.append(link(h.question, `/faq/${encodeURIComponent(h.slug)}?${keep}`), words);
        return item;
      }),
    );
  };
  const search = async (text: string) => {
    if (text === asked) return;
    asked = text;
    if (Array.from(text).length < minChars) return show("", [], false);
    try {
      const query = new URLSearchParams({ q: text, lang });
      const answer = await fetch(`${origin}/api/v1/faqs?${query.toString()}`, { credentials: "omit", cache: "no-store" });
      const got = (await answer.json()) as { answers: Hit[]; good: boolean };
      if (text !== asked) return;
      if (!answer.ok) show(say.trouble, [], false);
      else if (!got.good) show(say.none, [], true);
      else show((got.answers.length === 1 ? say.one : say.many).replace("{n}", String(got.answers.length)), got.answers, false);
    } catch {
      if (text === asked) show(say.trouble, [], false);
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void search(field.value.trim()), pauseMs);
  });
  script.before(host);
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement) {
  if (script.isConnected && document.body?.contains(script)) start(script);
  else {
    // In the head there is no place for a field: it goes to the end of the page.
    const atEnd = () => {
      document.body.append(script);
      start(script);
    };
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", atEnd);
    else atEnd();
  }
}
