// SPDX-License-Identifier: Apache-2.0

// The page before the chat: who is here, and the question.

import { call, newId, newToken, passing } from "./api";
import { $, looksLikeEmail, maxText, points, put } from "./dom";
import type { Host } from "./embed";
import { day, setup, t } from "./texts";
import type { Department, Opened, OpenRequest } from "./wire";

const freshMs = 3000; // an open page shows a change within five seconds, the node's own second included

export class Door {
  private timer = 0;
  private active = false;
  private at = 0;

  constructor(
    private readonly nodes: string[],
    private readonly host: Host,
    private readonly onStart: (opening: OpenRequest) => Promise<string>,
  ) {
    $("start").addEventListener("submit", (e) => {
      e.preventDefault();
      void this.submit();
    });
    const question = $<HTMLTextAreaElement>("question");
    question.addEventListener("keydown", (e) => {
      if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) void this.submit();
    });
    document.addEventListener("visibilitychange", () => this.look());
  }

  open(): void {
    this.active = true;
    $("pre").hidden = false;
    $("talk").hidden = true;
    $("app").dataset["phase"] = "pre";
    put($("status"), "");
    this.show(setup.state, setup.nextOpen);
    this.look();
  }

  focus(): void {
    const form = $("start");
    (form.hidden ? $("door") : $("question")).focus();
  }

  private leave(): void {
    this.active = false;
    clearTimeout(this.timer);
  }

  /** Asks for the department's state, again and again while somebody looks. */
  private look(): void {
    clearTimeout(this.timer);
    if (!this.active) return;
    this.timer = window.setTimeout(() => void this.refresh(), freshMs);
  }

  private async refresh(): Promise<void> {
    if (this.host.shown && document.visibilityState === "visible") {
      const base = this.nodes[this.at] ?? "";
      const got = await call<Department[]>(base, "GET", "/departments", { ms: 4000 });
      if (!this.active) return;
      if (got.ok) {
        const mine = got.body.find((d) => d.id === setup.department);
        if (mine) this.show(mine.state, mine.next_open ?? "");
      } else {
        this.at = (this.at + 1) % this.nodes.length;
        if (got.status === 0) put($("door"), t("door.unreachable"));
      }
    }
    this.look();
  }

  private show(state: Department["state"], nextOpen: string): void {
    const door = $("door");
    door.className = "door " + state;
    const form = $("start");
    const known = nextOpen !== "" && Date.parse(nextOpen) > Date.now();
    const shut = known ? `${t("door.next", { when: day(nextOpen) })} ${t("door.closed.else")}` : `${t("door.closed")} ${t("door.closed.mail")}`;
    put(door, state === "closed" ? shut : t(state === "online" ? "door.online" : "door.away"));
    // Whoever is writing keeps what they wrote when the desk closes; they are told when they send it.
    const began = $<HTMLTextAreaElement>("question").value !== "";
    form.hidden = state === "closed" && !began;
  }

  private async submit(): Promise<void> {
    const question = $<HTMLTextAreaElement>("question");
    const email = $<HTMLInputElement>("email");
    const button = $<HTMLButtonElement>("start-button");
    const text = question.value.trim();
    const address = email.value.trim();
    if (button.disabled) return;
    if (!text) return this.complain(t("need.question"), question);
    if (points(text) > maxText) return this.complain(t("too.long", { n: points(text), max: maxText }), question);
    if (address && !looksLikeEmail(address)) return this.complain(t("need.email"), email);
    this.complain("");
    const opening: OpenRequest = { id: newId(), token: newToken(), department: setup.department, question: text, locale: setup.locale };
    const name = $<HTMLInputElement>("name").value.trim();
    if (name) opening.name = name;
    if (address) opening.email = address;
    if (this.host.pageURL) opening.page_url = this.host.pageURL;
    button.disabled = true;
    button.textContent = t("starting");
    const trouble = await this.onStart(opening);
    button.disabled = false;
    button.textContent = t("start");
    if (trouble) {
      this.complain(trouble, question);
      void this.refresh();
      return;
    }
    question.value = "";
    this.leave();
  }

  private complain(text: string, at?: HTMLElement): void {
    put($("start-error"), text);
    for (const id of ["question", "email"]) $(id).removeAttribute("aria-invalid");
    if (text && at) {
      at.setAttribute("aria-invalid", "true");
      at.focus();
    }
  }
}

/** Opens the chat on whichever node answers; the same id makes repeats harmless. Gives up after some rounds. */
export async function openChat(nodes: string[], opening: OpenRequest): Promise<Opened | string> {
  for (let round = 0; round < 4; round++) {
    for (const base of nodes) {
      const got = await call<Opened>(base, "POST", "/chats", { body: opening, ms: 10000 });
      if (got.ok) return got.body;
      if (passing(got)) continue;
      switch (got.problem.code) {
        case "department-closed":
          return got.problem.next_open ? t("door.next", { when: day(got.problem.next_open) }) : t("door.closed");
        case "throttled":
          return t("start.throttled");
        default:
          return t(got.problem.field === "email" ? "need.email" : "start.failed");
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 500 * (round + 1)));
  }
  return t("start.failed");
}
