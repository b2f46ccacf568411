// SPDX-License-Identifier: Apache-2.0

// One chat in the pane: its lines, what can be done with it, and the box to write in. What is typed goes to the console,
// as from an XMPP client: it is a line for the patron, a command, or held.

import { newId } from "./api";
import { $, linked, make, put } from "./dom";
import { fill } from "./boardform";
import type { Link } from "./boardlink";
import type { Answer, Head, Line } from "./boardwire";
import { span } from "./boardlists";

const typingMs = 4000;
const hintMs = 8000;

/** What is known of an open chat. */
export class Chat {
  head: Head | null = null;
  lines: Line[] = [];
  told: { after: number; text: string; bad: boolean }[] = []; // sentences, each behind a line's number
  drafts: { id: string; text: string; why: string }[] = [];
  text = ""; // in the box
  typing = false;
  got = 0;

  constructor(readonly number: number) {}

  get last(): number {
    return this.lines.at(-1)?.n ?? 0;
  }

  /** Adds or replaces a line; true if it is new. */
  take(l: Line): boolean {
    if (l.mine && l.id) this.drafts = this.drafts.filter((d) => d.id !== l.id);
    let i = this.lines.length;
    while (i > 0 && this.lines[i - 1]!.n > l.n) i--;
    if (i > 0 && this.lines[i - 1]!.n === l.n) {
      this.lines[i - 1] = l;
      return false;
    }
    this.lines.splice(i, 0, l);
    return true;
  }

  say(text: string, bad = false): void {
    this.told.push({ after: this.last, text, bad });
    if (this.told.length > 50) this.told.shift();
  }

  reset(): void {
    this.lines = [];
    this.told = [];
  }
}

export class Pane {
  private chat: Chat | null = null;
  private atEnd = true;
  private typed = 0;
  private typingTimer = 0;
  private drawn = new Map<string, HTMLLIElement>();
  private readonly log = $("pane-log");
  private readonly list = $<HTMLUListElement>("pane-lines");
  private readonly box = $<HTMLTextAreaElement>("pane-text");

  constructor(private readonly link: Link, private readonly back: () => void, private readonly claimed: (chat: number) => void) {
    $("pane-back").addEventListener("click", () => this.back());
    $("pane-form").addEventListener("submit", (e) => (e.preventDefault(), void this.send()));
    this.box.addEventListener("keydown", (e) => {
      if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && !e.isComposing) {
        e.preventDefault();
        void this.send();
      }
    });
    this.box.addEventListener("input", () => this.wrote());
    $("held-send").addEventListener("click", () => void this.run("send"));
    $("held-edit").addEventListener("click", () => this.edit());
    this.log.addEventListener("scroll", () => (this.atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60), { passive: true });
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(this.log);
    document.addEventListener("visibilitychange", () => this.tellGot());
  }

  get number(): number {
    return this.chat?.number ?? 0;
  }

  show(c: Chat): void {
    if (this.chat && this.chat !== c) this.chat.text = this.box.value;
    const other = this.chat !== c;
    this.chat = c;
    if (other) {
      this.drawn.clear();
      this.list.replaceChildren();
      this.box.value = c.text;
      this.grow();
      this.atEnd = true;
    }
    $("pane").hidden = false;
    $("no-pane").hidden = true;
    this.draw();
  }

  close(): void {
    if (this.chat) this.chat.text = this.box.value;
    this.chat = null;
    $("pane").hidden = true;
    $("no-pane").hidden = false;
  }

  focus(): void {
    (this.chat?.head?.writable ? this.box : $("pane-title")).focus();
  }

  /** Brings the pane in line with its chat. */
  draw(): void {
    const c = this.chat;
    const h = c?.head;
    if (!c) return;
    put($("pane-title"), `${c.number} ${h ? h.who || "somebody" : ""}`);
    if (!h) return;
    this.facts(h);
    this.buttons(h);
    this.lines(c, h);
    put($("pane-typing"), c.typing ? `${h.who || "The patron"} is writing…` : "");
    $("held").hidden = h.held === "";
    put($("held-text"), h.held);
    $("pane-form").hidden = !(h.writable || h.state === "claimed" || h.state === "waiting" || h.mine);
    put($("pane-hint"), h.writable ? `Goes to ${h.who || "the patron"}. Ctrl+Enter sends; !help lists the commands.` : "You don’t have this chat: only commands and notes work here.");
    this.grow();
    this.tellGot();
  }

  typing(on: boolean): void {
    clearTimeout(this.typingTimer);
    if (this.chat) this.chat.typing = on;
    if (on) {
      const c = this.chat;
      this.typingTimer = window.setTimeout(() => {
        if (c) c.typing = false;
        this.draw();
      }, hintMs);
    }
    this.draw();
  }

  /** Runs a command, after its form if it has one. */
  async run(command: string): Promise<void> {
    const c = this.chat;
    if (!c) return;
    const form = await this.link.form(c.number, command);
    if (typeof form === "string") {
      c.say(form, true);
      this.draw();
      return;
    }
    const asks = form.fields.some((f) => f.type !== "fixed" && f.type !== "hidden");
    const values = asks ? await fill(form) : {};
    if (!values) return;
    this.answered(c, await this.link.ask({ type: "run", chat: c.number, command, values }));
  }

  private answered(c: Chat, a: Answer): void {
    const ran = a.command === "claim" || a.command === "accept";
    if (a.text && !(a.note && c.head)) c.say(a.text, Boolean(a.refused || a.held));
    if (ran && !a.refused) this.claimed(a.chat ?? c.number);
    this.draw();
  }

  private async send(): Promise<void> {
    const c = this.chat;
    const text = this.box.value.replace(/\s+$/, "");
    if (!c || !text.trim()) return;
    const id = newId();
    c.drafts.push({ id, text, why: "" });
    this.box.value = "";
    this.grow();
    this.types(false);
    this.atEnd = true;
    this.draw();
    const a = await this.link.say(id, c.number, text);
    c.drafts = c.drafts.filter((d) => d.id !== id);
    const gone = a.refused !== undefined && a.command === undefined && !a.posted;
    if (gone && this.chat === c && this.box.value === "") {
      this.box.value = text; // nothing that was typed goes astray
      this.grow();
    }
    // The line itself comes as an event, in its place. Here it has been committed, so it is shown at once.
    if (a.posted && a.line && !c.lines.some((l) => l.n === a.line)) {
      c.take({ n: a.line, seq: a.seq ?? 0, at: Date.now(), from: "staff", by: "", mine: true, note: false, id, text, redacted: false });
    }
    this.answered(c, a);
  }

  /** Takes a held text back into the box. */
  private edit(): void {
    const held = this.chat?.head?.held ?? "";
    this.box.value = this.box.value ? held + "\n" + this.box.value : held;
    this.grow();
    $("held").hidden = true;
    this.box.focus();
  }

  private wrote(): void {
    this.grow();
    const text = this.box.value.trimStart();
    const on = text !== "" && !/^[!！>]/.test(text);
    if (on ? Date.now() - this.typed < typingMs : this.typed === 0) return;
    this.types(on);
  }

  private types(on: boolean): void {
    if (!on && this.typed === 0) return;
    this.typed = on ? Date.now() : 0;
    if (this.chat?.head?.writable) this.link.tell({ type: "typing", chat: this.chat.number, on });
  }

  private grow(): void {
    if (this.box.offsetParent === null) return; // not shown: it has no height yet
    this.box.style.blockSize = "auto";
    this.box.style.blockSize = Math.min(this.box.scrollHeight + 2, 220) + "px";
  }

  private toEnd(): void {
    this.log.scrollTop = this.log.scrollHeight;
  }

  /** Tells the desk how far the person was shown the chat: a newer line keeps it from being closed unread. */
  private tellGot(): void {
    const c = this.chat;
    const seq = c?.lines.at(-1)?.seq ?? 0;
    if (!c || document.hidden || seq <= c.got) return;
    c.got = seq;
    this.link.tell({ type: "got", chat: c.number, seq });
  }

  private facts(h: Head): void {
    const parts: (Node | string)[] = [];
    const add = (...what: (Node | string)[]) => {
      if (parts.length) parts.push(" · ");
      parts.push(...what);
    };
    add(h.department);
    const now = Date.now() + this.skew;
    if (h.state === "waiting") add("waiting " + span(now - h.since));
    else if (h.state === "claimed") add(h.mine ? "yours" : "with " + h.owner);
    else add(h.state);
    if (h.offer_to) add("offered to " + h.offer_to);
    if (h.gone && (h.state === "waiting" || h.state === "claimed")) add("patron away");
    if (h.page) add(h.page_url ? external(h.page_url, h.page_title || h.page) : h.page_title || h.page);
    if (h.email) add(h.email + " (not verified)");
    if (h.joined.length) add("also here: " + h.joined.join(", "));
    if (h.ticket) {
      const a = make("a", "", "ticket " + h.ticket);
      a.href = "/tickets/" + h.ticket;
      add(a);
    } else if (h.pending) {
      add("ticket waits for an address");
    }
    $("pane-facts").replaceChildren(...parts);
    $("pane-tags").replaceChildren(...h.tags.map((t) => make("li", "badge", t)));
  }

  /** How far the desk's clock is ahead. */
  skew = 0;

  private buttons(h: Head): void {
    const bar = $("pane-do");
    const want = h.commands.map((c) => c.name).join(" ");
    if (bar.dataset["want"] === want) return;
    bar.dataset["want"] = want;
    const main = ["claim", "accept"];
    const first = ["claim", "accept", "decline", "close", "tag", "note", "transfer", "ticket", "faq"];
    const rank = (n: string) => (first.includes(n) ? first.indexOf(n) : first.length);
    const sorted = h.commands.toSorted((a, b) => rank(a.name) - rank(b.name));
    const button = (name: string, label: string) => {
      const b = make("button", main.includes(name) ? "main" : "quiet", label);
      b.type = "button";
      b.dataset["command"] = name;
      b.addEventListener("click", () => void this.run(name));
      return b;
    };
    const shown = sorted.filter((c) => first.includes(c.name));
    const more = sorted.filter((c) => !first.includes(c.name) && c.name !== "send");
    bar.replaceChildren(...shown.map((c) => button(c.name, short[c.name] ?? c.label)));
    if (more.length) {
      const menu = make("details", "more");
      menu.append(make("summary", "", "More"));
      const box = make("div", "menu-box");
      for (const c of more) box.append(button(c.name, c.label));
      box.addEventListener("click", () => (menu.open = false));
      menu.addEventListener("keydown", (e) => {
        if (e.key !== "Escape" || !menu.open) return;
        e.stopPropagation();
        menu.open = false;
        menu.querySelector("summary")?.focus();
      });
      menu.append(box);
      bar.append(menu);
    }
  }

  private lines(c: Chat, h: Head): void {
    const items: [string, (li: HTMLLIElement) => void, string][] = [];
    const told = (after: number) => {
      for (const [i, s] of c.told.entries()) {
        if (s.after === after) items.push([`t${i}-${s.text}`, (li) => sentence(li, s.text), "said told" + (s.bad ? " bad" : "")]);
      }
    };
    const first = c.lines[0]?.n ?? 1;
    for (const s of c.told) if (s.after < first) s.after = Math.max(0, first - 1);
    told(first - 1);
    for (const l of c.lines) {
      items.push(["l" + l.n, (li) => this.line(li, l, h), "said " + (l.note ? "staff-note" : l.from === "system" ? "told" : l.mine ? "mine" : l.from)]);
      told(l.n);
    }
    for (const d of c.drafts) items.push(["d" + d.id, (li) => draft(li, d.text), "said mine draft"]);
    const wanted = new Set(items.map(([key]) => key));
    for (const [key, li] of this.drawn) {
      if (!wanted.has(key)) {
        li.remove();
        this.drawn.delete(key);
      }
    }
    let at: Element | null = this.list.firstElementChild;
    for (const [key, dress, name] of items) {
      let li = this.drawn.get(key);
      if (!li) {
        li = make("li", name);
        if (name.includes("mine")) li.setAttribute("aria-live", "off"); // whoever wrote it knows
        this.drawn.set(key, li);
      }
      if (li !== at) this.list.insertBefore(li, at);
      else at = at.nextElementSibling;
      dress(li);
    }
    if (this.atEnd) this.toEnd();
  }

  private line(li: HTMLLIElement, l: Line, h: Head): void {
    const who = l.note ? (l.mine ? "Your note, only staff see it" : `Note of ${l.by}, only staff see it`) : l.mine ? "You" : l.from === "patron" ? h.who || "Patron" : l.by || "Desk";
    const tick = l.mine && !l.note ? (h.shown >= l.seq && l.seq > 0 ? "✓ seen" : "✓") : "";
    const key = [who, l.text, tick, l.redacted].join("\x00");
    if (li.dataset["key"] === key) return;
    li.dataset["key"] = key;
    const meta = make("span", "meta", new Date(l.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) + (l.redacted ? " · redacted" : "") + " ");
    if (tick) {
      const t = make("span", "tick", tick);
      t.setAttribute("role", "img");
      t.setAttribute("aria-label", tick === "✓" ? "sent" : "sent and seen");
      meta.append(t);
    }
    const text = make("p", "text");
    text.dir = "auto";
    text.append(...linked(l.text));
    li.replaceChildren(make("span", "by", who), text, meta);
  }
}

/** The words on the buttons that matter most. */
const short: Record<string, string> = {
  claim: "Take it", accept: "Accept", decline: "Decline", close: "Close", tag: "Tag", note: "Note", transfer: "Transfer", ticket: "Ticket", faq: "FAQ",
};

function external(url: string, text: string): HTMLAnchorElement {
  const a = make("a", "", text);
  a.href = url;
  a.target = "_blank";
  a.rel = "noopener noreferrer";
  return a;
}

function sentence(li: HTMLLIElement, text: string): void {
  if (li.textContent !== text) li.replaceChildren(make("p", "text", text));
}

function draft(li: HTMLLIElement, text: string): void {
  if (li.dataset["key"] === "draft") return;
  li.dataset["key"] = "draft";
  const p = make("p", "text", text);
  p.dir = "auto";
  li.replaceChildren(make("span", "by", "You"), p, make("span", "meta", "sending…"));
}
