// SPDX-License-Identifier: Apache-2.0

// The page before the chat: who is here, and the question.

import { call, newId, newToken, passing } from "./api";
import { $, address, looksLikeEmail, maxText, points, put } from "./dom";
import type { Host } from "./embed";
import { Suggest } from "./suggest";
import { day, setup, t } from "./texts";
import type { Asked, AskRequest, Department, Opened, OpenRequest } from "./wire";

const freshMs = 3000; // an open page shows a change within five seconds, the node's own second included

export class Door {
  private timer = 0;
  private active = false;
  private at = 0;
  private state: Department["state"] = setup.state;
  private wantsMail = false;
  private asking: AskRequest | null = null;
  private readonly suggest: Suggest;
  private readonly find: Suggest;

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
    this.suggest = new Suggest($("suggested"), nodes);
    this.suggest.watch(question);
    this.find = new Suggest($("found"), nodes, { none: t("find.none") });
    this.find.watch($<HTMLInputElement>("find"));
    $("other-way").addEventListener("click", () => {
      this.wantsMail = !this.wantsMail;
      this.complain("");
      this.dress();
      question.focus();
    });
    $("asked-more").addEventListener("click", () => {
      $("asked").hidden = true;
      this.wantsMail = false;
      this.show(this.state, "", 0);
      this.focus();
      void this.refresh();
    });
    document.addEventListener("visibilitychange", () => this.look());
  }

  open(): void {
    this.active = true;
    $("pre").hidden = false;
    $("talk").hidden = true;
    $("app").dataset["phase"] = "pre";
    put($("status"), "");
    this.show(setup.state, setup.nextOpen, setup.wait);
    this.look();
  }

  focus(): void {
    if (!$("asked").hidden) $("asked").focus();
    else (this.state === "closed" ? $("find") : $("question")).focus();
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
        if (mine) this.show(mine.state, mine.next_open ?? "", mine.wait_seconds ?? 0);
      } else {
        this.at = (this.at + 1) % this.nodes.length;
        if (got.status === 0) put($("door"), t("door.unreachable"));
      }
    }
    this.look();
  }

  private show(state: Department["state"], nextOpen: string, wait: number): void {
    if (!$("asked").hidden) return;
    this.state = state;
    const door = $("door");
    door.className = "door " + state;
    const known = nextOpen !== "" && Date.parse(nextOpen) > Date.now();
    const minutes = Math.round(wait / 60);
    let says = t(state === "online" ? "door.online" : "door.away");
    if (state === "closed") says = (known ? t("door.next", { when: day(nextOpen) }) : t("door.closed")) + " " + t("door.closed.ask");
    else if (state === "online" && minutes) says += " " + t("wait.most", { minutes });
    put(door, says);
    this.dress();
  }

  /** Whether the form leaves a question to be answered by mail. */
  private get byMail(): boolean {
    return this.state === "closed" || this.wantsMail;
  }

  private dress(): void {
    const mail = this.byMail;
    const app = $("app");
    if (!$("asked").hidden) return;
    $("start").hidden = false;
    $("find-box").hidden = this.state !== "closed";
    $("ask-title").hidden = !mail;
    $("email-optional").hidden = mail;
    $<HTMLInputElement>("email").required = mail;
    put($("email-why"), t(mail ? "ask.why" : "email.why"));
    $("keep-box").hidden = mail;
    $("privacy").hidden = mail;
    const other = $("other-way");
    // The other way is offered where it is one: nobody chats with a closed desk, and where staff are there mail is second best.
    other.hidden = this.state === "closed" || (this.state === "online" && !mail);
    other.textContent = t(mail ? "by.chat" : "by.mail");
    const button = $<HTMLButtonElement>("start-button");
    if (!button.disabled) button.textContent = t(mail ? "ask.send" : "start");
    app.dataset["way"] = mail ? "mail" : "chat";
  }

  private async submit(): Promise<void> {
    const question = $<HTMLTextAreaElement>("question");
    const email = $<HTMLInputElement>("email");
    const button = $<HTMLButtonElement>("start-button");
    const text = question.value.trim();
    const to = email.value.trim();
    const mail = this.byMail;
    if (button.disabled) return;
    if (!text) return this.complain(t("need.question"), question);
    if (points(text) > maxText) return this.complain(t("too.long", { n: points(text), max: maxText }), question);
    if (mail && !to) return this.complain(t("need.address"), email);
    if (to && !looksLikeEmail(to)) return this.complain(t("need.email"), email);
    const fields = this.fields();
    if (fields instanceof HTMLElement) return this.complain(t("need.field"), fields);
    this.complain("");
    button.disabled = true;
    button.textContent = t(mail ? "ask.sending" : "starting");
    const trouble = mail ? await this.ask(text, to, fields) : await this.chat(text, to, fields);
    button.disabled = false;
    this.dress();
    if (trouble) {
      this.complain(trouble, question);
      void this.refresh();
      return;
    }
    question.value = "";
    this.suggest.clear();
    if (!mail) this.leave();
  }

  /** The department's own fields, or the first one that has to be filled in and isn't. */
  private fields(): Record<string, string> | HTMLElement {
    const out: Record<string, string> = {};
    for (const f of document.querySelectorAll<HTMLInputElement | HTMLSelectElement>("#start .field")) {
      const value = f.value.trim();
      if (!value && f.required) return f;
      if (value) out[f.name] = value;
    }
    return out;
  }

  private chat(text: string, to: string, fields: Record<string, string>): Promise<string> {
    const opening: OpenRequest = { id: newId(), token: newToken(), department: setup.department, question: text, locale: setup.locale };
    const name = $<HTMLInputElement>("name").value.trim();
    if (name) opening.name = name;
    if (to) opening.email = to;
    if (Object.keys(fields).length) opening.fields = fields;
    if ($<HTMLInputElement>("keep-not").checked) opening.keep_transcript = false;
    if (this.host.pageURL) opening.page_url = this.host.pageURL;
    if (setup.titles && this.host.pageTitle) opening.page_title = this.host.pageTitle;
    return this.onStart(opening);
  }

  /** Leaves the question to be answered by mail. The same request is repeated as long as nothing in it changes. */
  private async ask(text: string, to: string, fields: Record<string, string>): Promise<string> {
    const name = $<HTMLInputElement>("name").value.trim();
    const wanted: AskRequest = { id: "", department: setup.department, question: text, email: to, locale: setup.locale, fields };
    if (name) wanted.name = name;
    const same = this.asking && JSON.stringify({ ...this.asking, id: "" }) === JSON.stringify(wanted);
    if (!same) this.asking = { ...wanted, id: newId() };
    for (let round = 0; round < 3; round++) {
      for (const base of this.nodes) {
        const got = await call<Asked>(base, "POST", "/questions", { body: this.asking, ms: 10000 });
        if (got.ok) {
          this.asking = null;
          this.thank(got.body.ticket, to);
          return "";
        }
        if (passing(got)) continue;
        if (got.problem.code === "throttled") return t("ask.throttled");
        return t(got.problem.field === "email" ? "need.address" : got.problem.field?.startsWith("fields") ? "need.field" : "ask.failed");
      }
      await new Promise((resolve) => setTimeout(resolve, 500 * (round + 1)));
    }
    return t("ask.failed");
  }

  private thank(number: string, email: string): void {
    $("start").hidden = true;
    $("find-box").hidden = true;
    put($("door"), "");
    $("asked").hidden = false;
    put($("asked-text"), t("ask.thanks", { number }));
    address($("asked-address"), email);
    $("asked").focus();
  }

  private complain(text: string, at?: HTMLElement): void {
    put($("start-error"), text);
    for (const e of $("start").querySelectorAll("[aria-invalid]")) e.removeAttribute("aria-invalid");
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
