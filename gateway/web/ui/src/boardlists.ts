// SPDX-License-Identifier: Apache-2.0

// The board's lists: chats on the left, colleagues and departments beside. One button a chat; arrow keys go from one to
// the next through all lists.

import { $, make, put } from "./dom";
import type { Board, Row } from "./boardwire";

/** The lists in the order in which they matter, with what an empty one says. */
const lists: { key: "offered" | "waiting" | "mine" | "to_tag" | "others"; id: string; title: string; none: string }[] = [
  { key: "offered", id: "offered", title: "Offered to you", none: "" },
  { key: "waiting", id: "waiting", title: "Waiting", none: "Nobody is waiting." },
  { key: "mine", id: "mine", title: "Mine", none: "You have no chat." },
  { key: "to_tag", id: "to-tag", title: "To tag", none: "" },
  { key: "others", id: "others", title: "With colleagues", none: "" },
];

const duties: Record<string, string> = { on: "on", away: "away", off: "off", "off-shift": "not on the rota", gone: "not here" };

/** How long something has lasted, as people say it. */
export function span(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 48 * 3600) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " days";
}

interface Item {
  li: HTMLLIElement;
  open: HTMLButtonElement;
  act: HTMLButtonElement | null;
  row: Row;
  list: string;
}

export class Lists {
  /** How far the desk's clock is ahead of this one. */
  skew = 0;
  unread = new Map<number, number>();
  private selected = 0;
  private board: Board | null = null;
  private items = new Map<string, Item>();
  private order: Item[] = [];
  private shown = ""; // what the list of colleagues was made of

  constructor(
    private readonly open: (chat: number) => void,
    private readonly act: (chat: number, command: string) => void,
    private readonly write: (to: string, name: string) => void,
  ) {
    setInterval(() => this.clock(), 1000);
    const box = $("lists");
    box.addEventListener("keydown", (e) => this.key(e));
  }

  take(b: Board): void {
    this.board = b;
    this.skew = b.now - Date.now();
    const box = $("lists");
    if (!box.dataset["live"]) {
      box.dataset["live"] = "1";
      box.replaceChildren(...lists.map((l) => this.frame(l.id, l.title)));
    }
    this.order = [];
    const wanted = new Set<string>();
    for (const l of lists) {
      const rows = b[l.key];
      const part = $("list-" + l.id);
      part.hidden = rows.length === 0 && l.none === "";
      put(part.querySelector<HTMLElement>(".count")!, rows.length ? String(rows.length) : "");
      const none = part.querySelector<HTMLElement>(".none")!;
      put(none, rows.length ? "" : l.none);
      this.fill(part.querySelector("ul")!, l.id, rows, wanted);
    }
    for (const [key, item] of this.items) {
      if (!wanted.has(key)) {
        item.li.remove();
        this.items.delete(key);
      }
    }
    this.side(b);
    this.roving();
  }

  select(chat: number): void {
    this.selected = chat;
    for (const item of this.items.values()) this.dress(item);
    this.roving();
  }

  /** Puts the focus on a chat of the lists, or on the first. */
  focus(chat = this.selected): void {
    (this.order.find((i) => i.row.chat === chat) ?? this.order[0])?.open.focus();
  }

  refresh(): void {
    for (const item of this.items.values()) this.dress(item);
  }

  row(chat: number): Row | undefined {
    return this.order.find((i) => i.row.chat === chat)?.row;
  }

  private frame(id: string, title: string): HTMLElement {
    const part = make("div", "list-part");
    part.id = "list-" + id;
    const h = make("h2", "", title + " ");
    h.id = "head-" + id;
    h.append(make("span", "count"));
    const ul = make("ul");
    ul.setAttribute("role", "list");
    ul.setAttribute("aria-labelledby", h.id);
    part.append(h, ul, make("p", "none"));
    return part;
  }

  private fill(ul: HTMLUListElement, list: string, rows: Row[], wanted: Set<string>): void {
    let at: Element | null = ul.firstElementChild;
    for (const row of rows) {
      const key = list + " " + row.chat;
      wanted.add(key);
      let item = this.items.get(key);
      if (!item) {
        item = this.make(list, row);
        this.items.set(key, item);
      }
      item.row = row;
      if (item.li !== at) ul.insertBefore(item.li, at);
      else at = at.nextElementSibling;
      this.dress(item);
      this.order.push(item);
    }
  }

  private make(list: string, row: Row): Item {
    const li = make("li");
    const open = make("button", "chat-row");
    open.type = "button";
    open.dataset["chat"] = String(row.chat);
    for (const part of ["who", "news unseen", "when", "where", "said"]) open.append(make("span", part), " ");
    open.addEventListener("click", () => this.open(row.chat));
    li.append(open);
    let act: HTMLButtonElement | null = null;
    const command = list === "waiting" ? "claim" : list === "offered" ? "accept" : "";
    if (command) {
      act = make("button", "take", command === "claim" ? "Take" : "Accept");
      act.type = "button";
      act.addEventListener("click", () => this.act(row.chat, command));
      li.append(act);
    }
    return { li, open, act, row, list };
  }

  private dress(item: Item): void {
    const { row, open } = item;
    const n = this.unread.get(row.chat) ?? 0;
    const set = (part: string, text: string) => {
      const e = open.querySelector<HTMLElement>("." + part)!;
      if (e.textContent !== text) e.textContent = text;
    };
    set("who", row.chat + " " + (row.who || "somebody"));
    set("where", [row.department, item.list === "others" ? "with " + row.owner : "", row.page, row.by ? (item.list === "offered" ? "from " : "promised by ") + row.by : ""].filter(Boolean).join(" · "));
    set("said", row.why ? "«" + row.why + "» " + row.text : row.text);
    this.when(item);
    item.li.classList.toggle("rings", row.rings > 0);
    item.li.classList.toggle("gone", row.gone && item.list !== "to-tag");
    open.classList.toggle("here", row.chat === this.selected);
    if (row.chat === this.selected) open.setAttribute("aria-current", "true");
    else open.removeAttribute("aria-current");
    open.dataset["unread"] = n ? String(n) : "";
    const news = [n ? `${n} new` : "", row.rings > 0 ? "rings for you" : "", row.gone && item.list === "mine" ? "patron away" : ""].filter(Boolean);
    set("news", news.length ? `(${news.join(", ")})` : "");
    item.act?.setAttribute("aria-label", `${item.list === "waiting" ? "Take" : "Accept"} ${row.chat} ${row.who}`);
  }

  private when(item: Item): void {
    const e = item.open.querySelector<HTMLElement>(".when")!;
    const text = span(Date.now() + this.skew - item.row.since);
    if (e.textContent !== text) e.textContent = text;
  }

  private clock(): void {
    for (const item of this.items.values()) this.when(item);
  }

  private side(b: Board): void {
    put($("missed-count"), b.missed ? String(b.missed) : "");
    $("missed-link").hidden = b.missed === 0;
    $("figures").replaceChildren(
      ...b.departments.map((d) => {
        const li = make("li");
        li.append(make("span", "state " + d.state, d.name), make("span", "muted", d.state === "closed" && !d.waiting ? "closed" : `${d.waiting} waiting, ${d.on} on`));
        return li;
      }),
    );
    this.colleagues(b);
  }

  /** The colleagues, each with a way to write to them. Made anew only when something has changed: a button may have the focus. */
  private colleagues(b: Board): void {
    const rank = ["on", "away", "off", "off-shift", "gone"];
    const sorted = b.colleagues.toSorted((x, y) => rank.indexOf(x.duty) - rank.indexOf(y.duty) || x.name.localeCompare(y.name));
    const made = JSON.stringify(sorted);
    if (made === this.shown) return;
    this.shown = made;
    const box = $("colleagues");
    const focused = document.activeElement instanceof HTMLElement && box.contains(document.activeElement) ? document.activeElement.dataset["to"] : undefined;
    box.replaceChildren(
      ...sorted.map((c) => {
        const li = make("li");
        const state = c.duty === "on" ? "online" : c.duty === "away" ? "away" : "";
        const name = make("button", "plain");
        name.type = "button";
        name.dataset["to"] = c.account;
        name.title = "Write to " + c.name;
        name.append(make("span", "unseen", "Write to "), make("span", "state " + state, c.name));
        name.addEventListener("click", () => this.write(c.account, c.name));
        li.append(name, make("span", "muted", (duties[c.duty] ?? c.duty) + (c.chats ? `, ${c.chats} ${c.chats === 1 ? "chat" : "chats"}` : "")));
        return li;
      }),
    );
    if (focused) box.querySelector<HTMLElement>(`[data-to="${CSS.escape(focused)}"]`)?.focus();
  }

  /** Only one chat of all is in the order of the Tab key. */
  private roving(): void {
    const stop = this.order.find((i) => i.open === document.activeElement) ?? this.order.find((i) => i.row.chat === this.selected) ?? this.order[0];
    for (const i of this.order) {
      i.open.tabIndex = i === stop ? 0 : -1;
      if (i.act) i.act.tabIndex = i === stop ? 0 : -1;
    }
  }

  private key(e: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[e.key];
    if (step === undefined || !this.board) return;
    const at = this.order.findIndex((i) => i.open === document.activeElement || i.act === document.activeElement);
    const to = Math.max(0, Math.min(this.order.length - 1, at + step));
    e.preventDefault();
    this.order[to]?.open.focus();
    this.roving();
  }
}
