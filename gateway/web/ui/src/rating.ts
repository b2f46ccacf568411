// SPDX-License-Identifier: Apache-2.0

// The reader's word on a chat that is over: one press says it, a comment may follow.

import { $, make, put } from "./dom";
import { t } from "./texts";

const scores = [1, 2, 3, 4, 5];

export class Rating {
  private score = 0;
  private fresh = false; // given on this page, so that a comment may follow

  constructor(
    signal: AbortSignal,
    private readonly rate: (score: number, comment: string) => Promise<boolean>,
  ) {
    $<HTMLTextAreaElement>("rate-comment").value = "";
    put($("rate-note"), "");
    $("stars").replaceChildren(
      ...scores.map((n) => {
        const b = make("button", "star", "★");
        b.type = "button";
        b.setAttribute("aria-label", t("rate.of", { n }));
        b.addEventListener("click", () => void this.press(n), { signal });
        return b;
      }),
    );
    $("rate").addEventListener("submit", (e) => (e.preventDefault(), void this.comment()), { signal });
  }

  show(on: boolean, score: number): void {
    $("rate").hidden = !on;
    this.score = score;
    for (const [i, b] of [...$("stars").children].entries()) {
      b.classList.toggle("on", i < score);
      b.setAttribute("aria-pressed", String(i + 1 === score));
    }
    $("rate-hint").hidden = score > 0;
    $("rate-more").hidden = !this.fresh;
    if (score && !this.fresh) put($("rate-note"), t("rate.done"));
  }

  private async press(score: number): Promise<void> {
    const good = await this.rate(score, "");
    put($("rate-note"), good ? "" : t("contact.failed"));
    this.fresh ||= good;
    if (good) this.show(true, score);
  }

  private async comment(): Promise<void> {
    const words = $<HTMLTextAreaElement>("rate-comment").value.trim();
    if (words && !(await this.rate(this.score, words.slice(0, 4000)))) {
      put($("rate-note"), t("contact.failed"));
      return;
    }
    this.fresh = false;
    this.show(true, this.score);
    put($("rate-note"), t("rate.done"));
  }
}
