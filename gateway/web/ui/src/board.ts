// SPDX-License-Identifier: Apache-2.0

// The live board: start in this browser, be rung, take a chat, answer, tag, close.

import { newId } from "./api";
import { fill } from "./boardform";
import { Bell } from "./boardring";
import { Link } from "./boardlink";
import { Lists } from "./boardlists";
import { Chat, Pane } from "./boardpane";
import type { Board, Down, Show } from "./boardwire";
import { $, make, put } from "./dom";

/** What a page keeps while it reloads. Without storage it begins anew. */
const kept = {
  read(name: string): string {
    try {
      return sessionStorage.getItem("refdesk:board:" + name) ?? "";
    } catch {
      return "";
    }
  },
  write(name: string, value: string): void {
    try {
      sessionStorage.setItem("refdesk:board:" + name, value);
    } catch {
      // It is only for the next load.
    }
  },
};

const page = kept.read("page") || newId();
kept.write("page", page);

const chats = new Map<number, Chat>();
const link = new Link(page, { frame: take, up: () => online(true), down: () => online(false) });
const lists = new Lists(open, act, (to, name) => void write(to, name));
const pane = new Pane(link, back, (chat) => open(chat));
const bell = new Bell((chat) => act(chat, "claim"), notNow);
let board: Board | null = null;

function chat(n: number): Chat {
  let c = chats.get(n);
  if (!c) chats.set(n, (c = new Chat(n)));
  return c;
}

/** Opens a chat in the pane. */
function open(n: number): void {
  const known = chats.has(n);
  const c = chat(n);
  lists.unread.delete(n);
  lists.select(n);
  pane.show(c);
  bell.seen(unread());
  document.body.classList.add("in-chat");
  if (!known || !c.head) link.tell({ type: "open", chat: n, after: c.last });
  kept.write("chat", String(n));
  pane.focus();
}

function back(): void {
  const n = pane.number;
  pane.close();
  lists.select(0);
  document.body.classList.remove("in-chat");
  kept.write("chat", "");
  shutOld();
  lists.focus(n);
}

/** Chats that are no longer on any list need not be followed. */
function shutOld(): void {
  for (const n of chats.keys()) {
    if (n !== pane.number && board && !lists.row(n)) {
      link.tell({ type: "shut", chat: n });
      chats.delete(n);
    }
  }
}

/** Takes a waiting chat, or accepts one, straight from the list. */
async function act(n: number, command: string): Promise<void> {
  bell.stop(n);
  const a = await link.ask({ type: "run", chat: n, command, values: {} });
  if (a.refused) {
    notice(a.text ?? "That did not work.");
    return;
  }
  open(n);
}

function notNow(n: number): void {
  bell.stop(n);
  void link.ask({ type: "decline", chat: n }).then((a) => a.refused && a.text && notice(a.text));
}

function unread(): number {
  let sum = 0;
  for (const n of lists.unread.values()) sum += n;
  return sum;
}

/** Writes to a colleague. What was not sent is shown, to be copied. */
async function write(to: string, name: string): Promise<void> {
  const field = { var: "text", label: "Message", type: "text-multi", values: [], options: [], required: true };
  const values = await fill({ command: "tell", title: "Write to " + name, instructions: "Goes to your colleague alone, in whatever program they use.", fields: [field] });
  const text = values?.["text"]?.[0]?.trim();
  if (!text) return;
  const a = await link.ask({ type: "tell", to, text });
  notice(a.refused ? `Not sent to ${name}: «${text}» ${a.text ?? ""}` : `You to ${name}: ${text}`);
}

/** Shows what a colleague wrote, with a way to answer. */
function message(from: string, name: string, text: string): void {
  const answer = make("button", "quiet small", "Answer");
  answer.type = "button";
  answer.setAttribute("aria-label", "Answer " + name);
  answer.addEventListener("click", () => void write(from, name));
  notice(`${name}: ${text}`, answer);
}

/** Says something that belongs to no open chat. */
function notice(text: string, more?: HTMLElement): void {
  const li = make("li");
  const said = make("span", "", text);
  said.dir = "auto";
  li.append(said);
  if (more) li.append(" ", more);
  const time = make("time", "muted", new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) + " ");
  li.prepend(time);
  const list = $("told");
  list.append(li);
  while (list.childElementCount > 30) list.firstElementChild?.remove();
  $("told-box").hidden = false;
  const log = $("told-log");
  log.scrollTop = log.scrollHeight;
}

function take(f: Down): void {
  switch (f.type) {
    case "ready":
      if (f.reset) for (const c of chats.values()) c.reset();
      for (const c of chats.values()) link.tell({ type: "open", chat: c.number, after: c.last });
      return;
    case "board":
      return taken(f.board);
    case "chat":
    case "head": {
      const c = chat(f.chat);
      c.head = f.head;
      if (f.type === "chat") for (const l of f.lines ?? []) c.take(l);
      if (f.chat === pane.number) {
        pane.draw();
        if (f.type === "chat" && document.activeElement === $("pane-title")) pane.focus();
      }
      return;
    }
    case "gone": {
      chats.delete(f.chat);
      if (pane.number === f.chat) back();
      notice(`${f.chat}: ${f.text}`);
      return;
    }
    case "line": {
      const shown = f.chat === pane.number && !document.hidden;
      const c = chats.get(f.chat);
      const fresh = c ? c.take(f.line) : true;
      if (c && f.line.from === "patron") c.typing = false;
      if (fresh && !f.line.mine && !f.line.note && !shown) {
        lists.unread.set(f.chat, (lists.unread.get(f.chat) ?? 0) + 1);
        lists.refresh();
        bell.tick(unread());
      }
      if (f.chat === pane.number) pane.draw();
      return;
    }
    case "seen": {
      const h = chats.get(f.chat)?.head;
      if (h && f.shown) h.shown = Math.max(h.shown, f.seq ?? 0);
      if (f.chat === pane.number) pane.draw();
      return;
    }
    case "ring":
      bell.ring({ chat: f.chat, text: f.text });
      return;
    case "answered":
      if (bell.has(f.chat) && f.by) notice(`${f.chat} answered by ${f.by}.`);
      bell.stop(f.chat);
      return;
    case "message":
      message(f.from ?? "", f.by ?? f.from ?? "", f.text ?? "");
      return;
    case "told": {
      const c = f.chat ? chats.get(f.chat) : undefined;
      if (!c) return notice(f.text);
      c.say(f.text);
      if (c.number === pane.number) pane.draw();
      return;
    }
    case "typing":
      if (f.chat === pane.number) pane.typing(f.on ?? false);
      return;
    case "error":
      notice(f.text);
  }
}

function taken(b: Board): void {
  const first = board === null;
  board = b;
  pane.skew = b.now - Date.now();
  lists.take(b);
  const ringing = new Set(b.waiting.filter((r) => r.rings > 0).map((r) => r.chat));
  bell.keep(ringing);
  if (first && link.show === "online") {
    for (const r of b.waiting) if (r.rings > 0) bell.ring({ chat: r.chat, text: `${r.chat} ${r.who || "somebody"} – ${r.department}: ${r.text}` });
  }
  duty(b);
  shutOld();
  if (first) {
    const n = Number(kept.read("chat"));
    if (n > 0 && lists.row(n)) open(n);
  }
}

const dutyWords: Record<string, string> = {
  on: "You are on: chats ring here.",
  away: "You are away: chats ring only when nobody else takes them.",
  off: "You said that you are off: nothing rings.",
  "off-shift": "You are not on the rota now: nothing rings.",
  gone: "You are off: nothing rings.",
};

function duty(b: Board): void {
  put($("duty"), dutyWords[b.me.duty] ?? "");
  const on = b.me.duty === "off-shift" || (b.me.duty === "off" && link.show !== "off");
  $("duty-on").hidden = !on;
}

function online(up: boolean): void {
  put($("link"), up ? "" : "No connection to the desk. Trying again; what you write is kept.");
  document.body.classList.toggle("cut", !up);
}

/** Shows which of on, away and off holds. */
function showing(show: Show): void {
  link.show = show;
  kept.write("show", show);
  for (const input of document.querySelectorAll<HTMLInputElement>('#show input[name="show"]')) input.checked = input.value === show;
  $("start-here").hidden = show !== "off";
  $("sound").hidden = show === "off" || bell.audible;
}

function setShow(show: Show): void {
  bell.unlock();
  link.setShow(show);
  showing(show);
}

for (const input of document.querySelectorAll<HTMLInputElement>('#show input[name="show"]')) {
  input.addEventListener("change", () => setShow(input.value as Show));
}
$("start").addEventListener("click", () => {
  setShow("online");
  lists.focus();
});
$("duty-on").addEventListener("click", () => void link.ask({ type: "duty", on: true }).then((a) => a.text && notice(a.text)));
$("sound").addEventListener("click", () => bell.unlock());
const notify = $<HTMLButtonElement>("notify");
notify.hidden = !("Notification" in window) || Notification.permission !== "default";
notify.addEventListener("click", () => void Notification.requestPermission().then(() => (notify.hidden = true)));
$("ask").addEventListener("submit", (e) => {
  e.preventDefault();
  const box = $<HTMLInputElement>("ask-text");
  const text = box.value.trim();
  if (!text) return;
  box.value = "";
  void link.say(newId(), 0, text).then((a) => {
    if (a.text) notice(a.text);
    if (!a.refused && a.command === "claim" && a.chat) open(a.chat);
  });
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape" || pane.number === 0 || document.querySelector("dialog[open], [popover]:popover-open")) return;
  back();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden || pane.number === 0) return;
  lists.unread.delete(pane.number);
  lists.refresh();
  bell.seen(unread());
});

$("board").hidden = false;
const before = kept.read("show");
showing(before === "online" || before === "away" ? before : "off");
void link.run();
