// SPDX-License-Identifier: Apache-2.0

// The list of lines: one item per line of the model, kept in the model's order.

import { $, linked, make } from "./dom";
import type { Line } from "./model";
import { clock, t } from "./texts";

export class Lines {
  private readonly items = new Map<string, HTMLLIElement>();
  private readonly list = $<HTMLUListElement>("lines");
  private readonly log = $("log");
  private atEnd = true; // where the reader is, and stays when lines come or the room gets smaller
  private readonly abort = new AbortController();

  constructor() {
    let height = this.log.clientHeight;
    const look = () => {
      // A log that has just become smaller scrolls too; that is not the reader's doing.
      if (height === this.log.clientHeight) this.atEnd = this.log.scrollHeight - this.log.scrollTop - height < 60;
    };
    this.log.addEventListener("scroll", look, { passive: true, signal: this.abort.signal });
    const room = new ResizeObserver(() => {
      height = this.log.clientHeight;
      if (this.atEnd) this.toEnd();
    });
    room.observe(this.log);
    this.abort.signal.addEventListener("abort", () => room.disconnect());
  }

  /** Makes the list what the model says. Items are moved and changed in place, so that nothing is read out twice. */
  show(lines: Line[]): void {
    const wanted = new Set(lines.map((l) => l.id));
    for (const [id, item] of this.items) {
      if (!wanted.has(id)) {
        item.remove();
        this.items.delete(id);
      }
    }
    let at: Element | null = this.list.firstElementChild;
    for (const [i, line] of lines.entries()) {
      let item = this.items.get(line.id);
      if (!item) {
        item = this.make(line);
        this.items.set(line.id, item);
      }
      if (item !== at) this.list.insertBefore(item, at);
      else at = at.nextElementSibling;
      this.dress(item, line, lines[i - 1], lines[i + 1]);
    }
    if (this.atEnd) this.toEnd();
  }

  toEnd(): void {
    this.log.scrollTop = this.log.scrollHeight;
  }

  /** Takes the lines away, and itself. */
  end(): void {
    this.abort.abort();
    this.items.clear();
    this.list.replaceChildren();
  }

  private make(line: Line): HTMLLIElement {
    const item = make("li", "line " + line.from);
    // Own lines and their ticks are not announced: whoever wrote them knows.
    if (line.from === "patron") item.setAttribute("aria-live", "off");
    if (line.from === "note") {
      item.append(make("span", "note"));
      return item;
    }
    item.append(make("span", "by"), make("p", "text"), make("span", "meta"));
    return item;
  }

  private dress(item: HTMLLIElement, line: Line, before: Line | undefined, after: Line | undefined): void {
    if (line.from === "note") {
      this.write(item, ".note", line.text);
      return;
    }
    const follows = before?.from === line.from && before.by === line.by;
    // Of several lines in one minute only the last bears the time.
    const timed = !(after?.from === line.from && after.by === line.by && after.tick !== "refused" && clock(after.at) === clock(line.at));
    item.classList.toggle("follows", follows);
    const who = line.from === "patron" ? t("you") : line.by || t("staff");
    const by = this.write(item, ".by", who);
    by.classList.toggle("unseen", line.from === "patron" || follows);
    const text = item.querySelector<HTMLElement>(".text")!;
    const words = line.mark === "removed" ? t("removed") : line.text;
    if (text.dataset["text"] !== words) {
      text.dataset["text"] = words;
      text.replaceChildren(...(line.from === "staff" ? linked(words) : [words]));
    }
    item.classList.toggle("removed", line.mark === "removed");
    item.dataset["tick"] = line.tick;
    let meta = timed ? clock(line.at) : "";
    if (line.mark === "edited") meta += (meta && " · ") + t("edited");
    if (line.tick === "sending") meta = t("sending");
    if (line.tick === "refused") meta = line.why;
    const m = this.write(item, ".meta", meta);
    if (line.tick === "sent") {
      const tick = make("span", "tick", "✓");
      tick.setAttribute("role", "img");
      tick.setAttribute("aria-label", t("sent"));
      m.append(" ", tick);
    }
  }

  private write(item: HTMLElement, selector: string, text: string): HTMLElement {
    const e = item.querySelector<HTMLElement>(selector)!;
    if (e.firstChild?.textContent !== text || e.childNodes.length > 1) e.textContent = text;
    return e;
  }
}
