// SPDX-License-Identifier: Apache-2.0

// FAQs that may answer what is being typed: asked for when the writer pauses, shown only when one is good.

import { call } from "./api";
import { make } from "./dom";
import { setup, t } from "./texts";
import type { FAQHit, FAQs } from "./wire";

const pauseMs = 350;
const minChars = 2;

export interface Wishes {
  title?: string; // over the list; else the number of answers is its title
  none?: string; // said when nothing is good
  /** Adds "did this help?" to each, and is told of every answer. */
  helped?: (hit: FAQHit, yes: boolean) => void;
}

export class Suggest {
  private timer = 0;
  private asked = "";
  private readonly said = make("p", "faqs-said");
  private readonly list = make("ul");

  constructor(
    private readonly box: HTMLElement,
    private readonly nodes: string[],
    private readonly wishes: Wishes = {},
  ) {
    this.said.setAttribute("role", "status");
    this.list.setAttribute("role", "list");
    box.replaceChildren(this.said, this.list);
    this.show([], false);
  }

  /** Follows a field as one types. */
  watch(field: HTMLInputElement | HTMLTextAreaElement): void {
    field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => void this.search(field.value), pauseMs);
    });
  }

  /** Takes the list away. */
  clear(): void {
    clearTimeout(this.timer);
    this.asked = "";
    this.show([], false);
  }

  async search(text: string): Promise<void> {
    text = text.trim().slice(0, 200);
    if (text === this.asked) return;
    this.asked = text;
    if (Array.from(text).length < minChars) {
      this.show([], false);
      return;
    }
    const query = new URLSearchParams({ q: text, lang: setup.locale, limit: "3" });
    for (const base of this.nodes) {
      const got = await call<FAQs>(base, "GET", "/faqs?" + query.toString(), { ms: 4000 });
      if (this.asked !== text) return; // something else was typed meanwhile
      if (got.ok) {
        this.show(got.body.good ? got.body.answers : [], true);
        return;
      }
      if (got.status !== 0 && got.status < 500) break;
    }
    this.show([], false); // suggestions are a courtesy: without them the form is as good
  }

  private show(hits: FAQHit[], answered: boolean): void {
    let said = "";
    if (hits.length) said = this.wishes.title ?? (hits.length === 1 ? t("find.one") : t("find.many", { n: hits.length }));
    else if (answered) said = this.wishes.none ?? "";
    if (this.said.textContent !== said) this.said.textContent = said;
    this.list.replaceChildren(...hits.map((h) => this.item(h)));
    this.list.hidden = !hits.length;
    this.box.classList.toggle("empty", said === "");
  }

  private item(hit: FAQHit): HTMLLIElement {
    const item = make("li");
    const link = make("a", "", hit.question);
    link.href = `/faq/${encodeURIComponent(hit.slug)}?lang=${encodeURIComponent(setup.locale)}&department=${encodeURIComponent(setup.department)}`;
    link.target = "_blank";
    link.rel = "noopener";
    link.dir = "auto";
    const words = make("p", "", hit.snippet);
    words.dir = "auto";
    item.append(link, words);
    const helped = this.wishes.helped;
    if (helped) {
      const row = make("div", "row");
      row.setAttribute("role", "group");
      row.setAttribute("aria-label", t("help.ask") + " " + hit.question);
      const add = (text: string, yes: boolean) => {
        const b = make("button", "quiet small", text);
        b.type = "button";
        b.addEventListener("click", () => {
          if (!yes) {
            item.remove();
            if (!this.list.childElementCount) this.show([], false);
          }
          helped(hit, yes);
        });
        row.append(b);
      };
      add(t("help.yes"), true);
      add(t("help.no"), false);
      item.append(make("span", "hint", t("help.ask")), row);
    }
    return item;
  }
}
