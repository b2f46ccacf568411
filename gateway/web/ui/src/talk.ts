// SPDX-License-Identifier: Apache-2.0

// The chat itself: the lines, the composer, and what can be done when it is over.

import { newId } from "./api";
import { Contact } from "./contact";
import { $, address, make, maxText, points, put } from "./dom";
import type { Host } from "./embed";
import { Lines } from "./lines";
import { Link } from "./link";
import { Model, type Note } from "./model";
import { Rating } from "./rating";
import type { Saved, Store } from "./store";
import { Suggest } from "./suggest";
import { clock, count, setup, t, type Key } from "./texts";
import type { Event, FAQHit } from "./wire";

const typingMs = 4000; // one hint per this long
const standMs = 15000;
const hintMs = 8000; // a hint from the other side lasts this long

export class Talk {
  private readonly model = new Model();
  private readonly lines = new Lines();
  private readonly link: Link;
  private connected = true;
  private unread = 0;
  private seen = { seq: 0, visible: false };
  private typed = 0;
  private typingTimer = 0;
  private untilTimer = 0;
  private standTimer = 0;
  private told = 0; // seq of the last event
  private asked = false; // "end this chat?"
  private left = false;
  private unanswered = false; // when it was left
  private helped = false; // by an FAQ
  private kept = false; // waiting goes on although it takes long
  private gone = false;
  private readonly abort = new AbortController();
  private readonly contact: Contact;
  private readonly rating: Rating;
  private readonly meanwhile: Suggest;

  constructor(
    private readonly saved: Saved,
    chat: string,
    nodes: string[],
    private readonly store: Store,
    private readonly host: Host,
    private readonly onAgain: () => void,
  ) {
    const now = new Date().toISOString();
    this.model.draft(saved.opening.id, saved.opening.question, now);
    for (const d of saved.unsent) this.model.draft(d.id, d.text, now);
    this.link = new Link(nodes, chat, saved.opening.token, saved.epoch ?? 0, 0, saved.unsent, {
      events: (list, reset) => this.take(list, reset),
      up: () => this.online(true),
      down: () => this.online(false),
      acked: (id, seq) => this.acked(id, seq),
      refused: (id, code) => this.refused(id, code),
      typing: (on) => this.typing(on),
      gone: () => this.lost(),
      unsent: (list) => this.store.save({ ...this.saved, unsent: list }),
    });
    this.contact = new Contact(this.abort.signal, async (email) => this.give(email), () => this.show());
    this.rating = new Rating(this.abort.signal, async (score, comment) => {
      const got = await this.link.post("rating", comment ? { score, comment } : { score });
      if (got.ok) this.model.rated = score;
      return got.ok;
    });
    this.meanwhile = new Suggest($("meanwhile"), nodes, { title: t("find.wait"), helped: (hit, yes) => void this.help(hit, yes) });
  }

  open(): void {
    $("pre").hidden = true;
    $("talk").hidden = false;
    const signal = this.abort.signal;
    const text = $<HTMLTextAreaElement>("text");
    $("compose").addEventListener("submit", (e) => (e.preventDefault(), this.send()), { signal });
    text.addEventListener("input", () => this.wrote(text), { signal });
    text.addEventListener(
      "keydown",
      (e) => {
        if (e.key === "Enter" && !e.shiftKey && !e.isComposing) {
          e.preventDefault();
          this.send();
        }
      },
      { signal },
    );
    $("end").addEventListener("click", () => ((this.asked = true), this.show(), $("end-yes").focus()), { signal });
    document.addEventListener("visibilitychange", () => this.look(), { signal });
    this.show();
    void this.link.run();
  }

  /** The frame was shown or hidden. */
  look(): void {
    if (this.visible) {
      this.unread = 0;
      this.host.tell({ type: "unread", n: 0 });
      this.lines.toEnd();
    }
    this.tellSeen();
  }

  focus(): void {
    const text = $<HTMLTextAreaElement>("text");
    (text.disabled ? $("log") : text).focus();
  }

  private get visible(): boolean {
    return this.host.shown && document.visibilityState === "visible";
  }

  private take(list: Event[], reset: boolean): void {
    if (reset) this.model.reset();
    for (const e of list) {
      this.told = Math.max(this.told, e.seq);
      const had = e.kind === "message" && this.model.find(e.id ?? "s" + e.seq);
      this.model.apply(e, (n) => this.note(n));
      if (e.kind === "contact_wanted") this.contact.ask();
      if (e.kind === "wait" && e.late) this.kept = false;
      if (e.kind === "message" && e.from === "staff") {
        this.typing(false);
        if (!had && !this.visible && e.seq > this.seen.seq) this.unread++;
      }
    }
    this.host.tell({ type: "unread", n: this.visible ? 0 : this.unread });
    this.show();
    this.tellSeen();
  }

  private note(n: Note): string {
    return t(n.key, { by: n.by || t("staff"), department: n.by });
  }

  /** Tells the desk what this page has, and whether somebody looked at it. Only news is told. */
  private tellSeen(): void {
    const last = this.model.lines.findLast((l) => l.from === "staff")?.seq ?? 0;
    const visible = this.visible;
    if (!last || !this.connected || (last <= this.seen.seq && (this.seen.visible || !visible))) return;
    this.seen = { seq: last, visible };
    void this.link.say({ type: "seen", seq: last, visible });
  }

  private acked(id: string, seq: number): void {
    const line = this.model.find(id);
    if (!line || line.tick !== "sending") return;
    line.tick = "sent";
    if (seq && !line.seq) line.seq = seq;
    this.show();
  }

  private refused(id: string, code: string): void {
    const line = this.model.find(id);
    if (!line) return;
    line.tick = "refused";
    line.why = t(code === "chat-closed" ? "not.sent.closed" : "not.sent");
    this.show();
  }

  private online(up: boolean): void {
    this.connected = up;
    put($("banner"), up || this.left ? "" : t("offline"));
    if (!up) return;
    this.tellSeen();
    void this.stand();
  }

  /** Asks how the chat stands, at each connection and now and then while it waits. */
  private async stand(): Promise<void> {
    clearTimeout(this.standTimer);
    const s = await this.link.standing();
    if (s && s.seq >= this.told) {
      this.model.stand(s);
      this.show();
    }
    if (this.model.phase === "waiting" && !this.left && !this.gone) {
      this.standTimer = window.setTimeout(() => void this.stand(), standMs);
    }
  }

  private lost(): void {
    this.gone = true;
    this.store.clear();
    this.host.tell({ type: "ended" });
    this.show();
  }

  private typing(on: boolean): void {
    clearTimeout(this.typingTimer);
    put($("typing"), on ? t("typing", { by: this.model.by || t("staff") }) : "");
    if (on) this.typingTimer = window.setTimeout(() => this.typing(false), hintMs);
  }

  private wrote(text: HTMLTextAreaElement): void {
    text.style.blockSize = "auto";
    text.style.blockSize = Math.min(text.scrollHeight + 2, 132) + "px";
    const n = points(text.value);
    put($("compose-error"), n > maxText ? t("too.long", { n: count(n), max: count(maxText) }) : "");
    const on = text.value.trim() !== "";
    if (on && Date.now() - this.typed < typingMs) return;
    if (!on && this.typed === 0) return;
    this.typed = on ? Date.now() : 0;
    if (this.connected && !this.left) void this.link.say({ type: "typing", on });
  }

  private send(): void {
    const box = $<HTMLTextAreaElement>("text");
    const text = box.value.trim();
    if (!text || box.disabled || points(text) > maxText) return;
    const id = newId();
    this.model.draft(id, text, new Date().toISOString());
    box.value = "";
    box.style.blockSize = "auto";
    this.typed = 0;
    this.show();
    this.lines.toEnd();
    this.link.send({ id, text });
    box.focus();
  }

  private leave(): void {
    this.unanswered = this.model.phase === "waiting";
    void this.leaving();
    $("again").focus();
  }

  private leaving(): Promise<void> {
    this.left = true;
    const said = this.link.leave();
    this.store.clear();
    this.host.tell({ type: "ended" });
    this.show();
    return said;
  }

  private status(): string {
    const m = this.model;
    const by = m.by || t("staff");
    if (this.gone) return t("lost");
    if (this.helped) return t("helped");
    if (this.left) return this.contact.given ? "" : t("ended");
    switch (m.phase) {
      case "waiting": {
        if (m.waitText && (!m.late || this.kept)) return m.waitText;
        const place = m.place > 1 ? t("waiting.place", { place: m.place }) : t("waiting");
        return m.most && !m.late ? place + " " + t("wait.most", { minutes: m.most }) : place;
      }
      case "talking":
        return m.waitText || t("talking", { by });
      case "reconnecting":
        return t("reconnecting");
      case "missed":
      case "ticketed":
        return t("missed");
      case "closed":
        return m.silent ? t("closed.silent") : m.by ? t("closed.by", { by }) : t("closed");
    }
  }

  /** Brings the page in line with the model. */
  private show(): void {
    const m = this.model;
    const phase = this.gone ? "lost" : this.left ? "left" : m.phase;
    $("app").dataset["phase"] = phase;
    put($("status"), this.status());
    this.lines.show(m.lines);
    const over = phase !== "waiting" && phase !== "talking" && phase !== "reconnecting";
    if (over) {
      this.asked = false;
      this.typing(false);
    }
    const until = m.phase === "closed" ? m.left(m.until) : 0;
    clearTimeout(this.untilTimer);
    if (until > 0) this.untilTimer = window.setTimeout(() => this.show(), Math.min(until + 200, 2 ** 31 - 1));
    const writable = !this.left && !this.gone && phase !== "ticketed" && (phase !== "closed" || until > 0);
    const text = $<HTMLTextAreaElement>("text");
    $("compose").hidden = !writable;
    text.disabled = !writable;
    $("end").hidden = over || this.asked;
    const sentence = this.sentence(phase, until > 0);
    put($("after-text"), sentence ? t(sentence, { number: m.ticket, until: m.still && clock(m.still) }) : "");
    address($("after-address"), sentence === "ticket" || sentence === "contact.at" || sentence === "mailed" ? this.contact.given : "");
    const wanted = this.wantsAddress(phase);
    this.contact.show(wanted);
    this.rating.show(phase === "closed" && m.answered, m.rated);
    this.actions(over, sentence, !wanted && until <= 0);
    $("after").classList.toggle("empty", !sentence && !wanted && !over && !this.asked);
    if (phase === "waiting" && sentence !== "late") void this.meanwhile.search(this.saved.opening.question);
    else this.meanwhile.clear();
  }

  private wantsAddress(phase: string): boolean {
    const m = this.model;
    if (this.gone || this.helped || this.asked || this.contact.given) return false;
    if (this.left) return this.unanswered;
    return phase === "missed" || m.contactWanted || (phase === "waiting" && m.late && !this.kept);
  }

  /** The one sentence of the state, "" for none. */
  private sentence(phase: string, writable: boolean): Key | "" {
    const m = this.model;
    const given = this.contact.given !== "";
    if (this.gone || this.helped) return "";
    if (this.asked && !this.left) return "end.ask";
    if (m.still && phase === "talking") return "still";
    if (m.contactWanted && !given && !this.left) return "contact.wanted";
    if (m.ticket) return "ticket";
    if (this.left) return given ? "mailed" : this.unanswered ? "left.mail" : "";
    if (phase === "closed" && writable) return "closed.writable";
    if (given) return "contact.at";
    if (phase === "missed") return "missed.do";
    return phase === "waiting" && m.late && !this.kept ? "late" : "";
  }

  /** The buttons of the state. Where the address form or the composer is what comes next, a new chat is the lesser one. */
  private actions(over: boolean, sentence: Key | "", anew: boolean): void {
    const row = $("after-actions");
    const want = over ? "over " + anew : ["end.ask", "still", "late"].includes(sentence) ? sentence : "none";
    if (row.dataset["want"] === want) return;
    row.dataset["want"] = want;
    row.replaceChildren();
    const add = (id: string, text: string, main: boolean, act: () => void) => {
      const b = make("button", main ? "main" : "quiet", text);
      b.type = "button";
      b.id = id;
      b.addEventListener("click", act);
      row.append(b);
    };
    if (want === "end.ask") {
      add("end-yes", t("end.yes"), true, () => this.leave());
      add("end-no", t("end.no"), false, () => ((this.asked = false), this.show(), this.focus()));
    } else if (want === "still") {
      add("here", t("still.here"), true, () => void this.here());
    } else if (want === "late") {
      add("keep-waiting", t("late.keep"), false, () => ((this.kept = true), this.show(), this.focus()));
    } else if (over) {
      add("again", t("again"), anew, () => this.again());
      add("save", t("save"), false, () => this.save());
      add("print", t("print"), false, () => print());
    }
  }

  private async here(): Promise<void> {
    const got = await this.link.post("here", {});
    if (!got.ok) return; // the button stays
    this.model.still = "";
    this.show();
    this.focus();
  }

  /** Takes an address that the reader has looked at. While nobody has answered, it takes the place of the waiting. */
  private async give(email: string): Promise<boolean> {
    const body = { email };
    const instead = !this.left && this.model.phase === "waiting" && !this.model.contactWanted;
    if (!(await this.link.post("contact", body)).ok) return false;
    this.model.contactWanted = false;
    if (instead) {
      this.unanswered = true;
      await this.leaving();
      // Given once more when the chat waits no longer, it makes the e-mail thread.
      await this.link.post("contact", body);
    }
    if (this.left) this.model.ticket = (await this.link.standing())?.ticket ?? 0;
    return true;
  }

  /** "Yes, I have my answer" ends the waiting; either word counts for the answer. */
  private async help(hit: FAQHit, yes: boolean): Promise<void> {
    void this.link.vote(hit.slug, yes);
    if (!yes || this.model.phase !== "waiting" || this.left) return;
    this.helped = true;
    await this.leaving();
    $("again").focus();
  }

  private again(): void {
    this.link.end();
    this.abort.abort();
    for (const timer of [this.untilTimer, this.typingTimer, this.standTimer]) clearTimeout(timer);
    this.store.clear();
    this.host.tell({ type: "ended" });
    this.lines.end();
    this.meanwhile.clear();
    this.contact.show(false);
    this.rating.show(false, 0);
    address($("after-address"), "");
    put($("banner"), "");
    put($("status"), "");
    put($("after-text"), "");
    put($("typing"), "");
    $("end").hidden = true;
    this.onAgain();
  }

  /** Gives the chat as a text file, made here: it goes nowhere else. */
  private save(): void {
    const rows = this.model.lines.map((l) => {
      const who = l.from === "patron" ? t("you") : l.by || (l.from === "note" ? "" : t("staff"));
      return `[${clock(l.at)}] ${who ? who + ": " : ""}${l.mark === "removed" ? t("removed") : l.text.replaceAll("\n", "\n        ")}`;
    });
    const url = URL.createObjectURL(new Blob([setup.name + "\n\n" + rows.join("\n") + "\n"], { type: "text/plain;charset=utf-8" }));
    const a = make("a");
    a.href = url;
    a.download = t("save.file") + ".txt";
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
}
