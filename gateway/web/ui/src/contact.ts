// SPDX-License-Identifier: Apache-2.0

// The form for an address. It shows the address large before it is given: a letter that is wrong is an answer that is lost.

import { $, address, looksLikeEmail, put } from "./dom";
import { t } from "./texts";

export class Contact {
  given = ""; // what the desk has of this form

  constructor(
    signal: AbortSignal,
    private readonly give: (email: string) => Promise<boolean>,
    private readonly changed: () => void,
  ) {
    this.ask();
    put($("contact-note"), "");
    $("contact").addEventListener("submit", (e) => (e.preventDefault(), this.check()), { signal });
    $("contact-yes").addEventListener("click", () => void this.send(), { signal });
    $("contact-change").addEventListener("click", () => (this.step(true), this.field.focus()), { signal });
  }

  /** Begins anew: an address is wanted, again. */
  ask(): void {
    this.given = "";
    this.step(true);
  }

  show(wanted: boolean): void {
    $("contact").hidden = !wanted;
  }

  private get field(): HTMLInputElement {
    return $<HTMLInputElement>("contact-email");
  }

  private step(first: boolean): void {
    $("contact-ask").hidden = !first;
    $("contact-check").hidden = first;
  }

  private check(): void {
    const email = this.field.value.trim();
    const good = looksLikeEmail(email);
    put($("contact-note"), good ? "" : t("need.email"));
    if (!good) {
      this.field.setAttribute("aria-invalid", "true");
      this.field.focus();
      return;
    }
    this.field.removeAttribute("aria-invalid");
    address($("contact-address"), email);
    this.step(false);
    $("contact-yes").focus();
  }

  private async send(): Promise<void> {
    const button = $<HTMLButtonElement>("contact-yes");
    if (button.disabled) return;
    button.disabled = true;
    const email = this.field.value.trim();
    const good = await this.give(email);
    button.disabled = false;
    put($("contact-note"), good ? "" : t("contact.failed"));
    this.step(true);
    if (good) {
      this.given = email;
      this.field.value = "";
    }
    this.changed();
    if (!good) this.field.focus();
  }
}
