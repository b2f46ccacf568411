// SPDX-License-Identifier: Apache-2.0

// The launcher: a button at the edge of a library's page and a frame with our own chat page behind it. It styles itself
// inside a shadow root, so neither side's style sheet reaches the other, and stores nothing before a chat has started.

import { widget as texts } from "../texts.json";

const css = `
:host{all:initial;color-scheme:light dark}
.edge{position:fixed;z-index:2147483000;inset-inline-end:0;inset-block-end:28px;display:flex;align-items:center;gap:10px;
 box-sizing:border-box;min-block-size:48px;padding:12px 18px;border:1px solid #ffffff40;border-inline-end:0;border-start-start-radius:24px;
 border-end-start-radius:24px;background:#1d5c63;color:#fff;font:600 16px/1.4 system-ui,sans-serif;cursor:pointer;box-shadow:0 4px 18px #00000038}
.edge:hover{background:#174b51}
.edge:focus-visible{outline:3px solid #ffb84d;outline-offset:2px}
svg{inline-size:20px;block-size:20px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.count{min-inline-size:22px;padding:1px 6px;box-sizing:border-box;border-radius:11px;background:#ffd9a0;color:#3a2500;font-size:13px;text-align:center}
[hidden]{display:none!important}
iframe{position:fixed;z-index:2147483001;inset-inline-end:16px;inset-block-end:92px;inline-size:392px;block-size:min(640px,calc(100vh - 108px));
 border:0;border-radius:16px;box-shadow:0 12px 48px #0000004d;background:#fbfaf7;color-scheme:normal}
@media (prefers-color-scheme:dark){iframe{background:#14191b}}
@media (max-width:520px){iframe.ready{inset:0;inline-size:100%;block-size:100%;border-radius:0}iframe{inset-inline-end:0;inline-size:100%;inset-block-end:76px}}
@media (forced-colors:active){.edge,iframe{border:2px solid ButtonText}}`;

function start(script: HTMLScriptElement): void {
  const origin = new URL(script.src).origin;
  const department = script.dataset["department"] ?? "";
  const wish = (script.dataset["locale"] || document.documentElement.lang || navigator.language).slice(0, 2);
  const lang = wish in texts ? (wish as keyof typeof texts) : "en";
  const say = texts[lang];
  const memory = "refdesk:" + department;

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets = [sheet];

  const button = document.createElement("button");
  button.type = "button";
  button.className = "edge";
  button.setAttribute("aria-expanded", "false");
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M21 12a8 8 0 0 1-8 8H4l2.2-3A8 8 0 1 1 21 12z");
  icon.append(path);
  const label = document.createElement("span");
  const count = document.createElement("span");
  count.className = "count";
  count.setAttribute("aria-hidden", "true");
  button.append(icon, label, count);
  root.append(button);

  let frame: HTMLIFrameElement | null = null;
  let open = false;
  let unread = 0;

  const name = () => {
    label.textContent = open ? say.close : say.open;
    count.textContent = String(unread);
    count.hidden = open || unread === 0;
    const news = (unread === 1 ? say.one : say.many).replace("{n}", String(unread));
    button.setAttribute("aria-label", open || !unread ? label.textContent : `${say.open}, ${news}`);
    button.setAttribute("aria-expanded", String(open));
  };
  const tell = (type: string) => frame?.contentWindow?.postMessage({ refdesk: 1, type, url: location.href, title: document.title }, origin);
  const remember = (value: string | null) => {
    try {
      if (value) sessionStorage.setItem(memory, value);
      else sessionStorage.removeItem(memory);
    } catch {
      // No storage here: the chat does not follow to the next page by itself.
    }
  };
  const recall = () => {
    try {
      return sessionStorage.getItem(memory);
    } catch {
      return null;
    }
  };

  const load = () => {
    if (frame) return;
    frame = document.createElement("iframe");
    frame.title = say.frame;
    frame.hidden = true;
    frame.addEventListener("load", () => {
      tell("hello");
      tell(open ? "shown" : "hidden");
    });
    frame.src = `${origin}/chat/${encodeURIComponent(department)}?embed=1&lang=${lang}`;
    root.append(frame);
  };
  const show = (on: boolean, focus: boolean) => {
    open = on;
    if (on) load();
    if (frame) frame.hidden = !on;
    if (recall()) remember(on ? "open" : "hidden");
    tell(on ? "shown" : "hidden");
    name();
    if (focus) (on ? frame : button)?.focus();
  };

  button.addEventListener("click", () => show(!open, true));
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape" && open && document.activeElement === host) show(false, true);
  });
  addEventListener("message", (m: MessageEvent<unknown>) => {
    if (!frame || m.source !== frame.contentWindow || m.origin !== origin) return;
    const said = m.data as { refdesk?: number; type?: string; n?: unknown } | null;
    if (said?.refdesk !== 1) return;
    if (said.type === "ready") frame.classList.add("ready");
    else if (said.type === "close") show(false, true);
    else if (said.type === "started") remember(open ? "open" : "hidden");
    else if (said.type === "ended") remember(null);
    else if (said.type === "unread") {
      unread = Math.max(0, Math.floor(Number(said.n)) || 0);
      name();
    }
  });

  name();
  document.body.append(host);
  const before = recall();
  if (before) {
    load();
    if (before === "open") show(true, false);
  }
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement) {
  if (document.body) start(script);
  else addEventListener("DOMContentLoaded", () => start(script));
}
