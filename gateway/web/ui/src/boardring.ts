// SPDX-License-Identifier: Apache-2.0

// What makes somebody look up: a sound, the page's title, and a notification where that was allowed. The sound is made
// here, from two tones; browsers let it out only after the person has clicked or typed something on the page.

import { $, make } from "./dom";

const againMs = 10000;

export interface Ringing {
  chat: number;
  text: string;
}

export class Bell {
  private readonly rings = new Map<number, Ringing>();
  private readonly title = document.title;
  private audio: AudioContext | null = null;
  private timer = 0;
  private notes: Notification[] = [];
  private unread = 0;

  constructor(
    private readonly take: (chat: number) => void,
    private readonly notNow: (chat: number) => void,
  ) {
    // Any gesture will do; a page that was loaded anew has had none yet.
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.unlock(), { passive: true });
  }

  /** Lets the sound out. To be called in a gesture. */
  unlock(): void {
    this.audio ??= new AudioContext();
    if (this.audio.state === "suspended") void this.audio.resume().then(() => this.hint());
    this.hint();
  }

  /** Whether the sound can be heard. */
  get audible(): boolean {
    return this.audio?.state === "running";
  }

  ring(r: Ringing): void {
    const known = this.rings.has(r.chat);
    this.rings.set(r.chat, r);
    this.sound();
    if (!known && document.hidden) this.notify(r);
    this.show();
  }

  stop(chat: number): void {
    if (this.rings.delete(chat)) this.show();
  }

  /** Keeps only the rings of these chats. */
  keep(chats: Set<number>): void {
    let changed = false;
    for (const chat of this.rings.keys()) {
      if (!chats.has(chat)) changed = this.rings.delete(chat) || changed;
    }
    if (changed) this.show();
  }

  has(chat: number): boolean {
    return this.rings.has(chat);
  }

  /** A short tone for a new line in a chat that is not looked at. */
  tick(unread: number): void {
    if (unread > this.unread) this.tone(660, 0, 0.09, 0.08);
    this.unread = unread;
    this.head();
  }

  seen(unread: number): void {
    this.unread = unread;
    this.head();
  }

  private sound(): void {
    this.tone(784, 0, 0.22, 0.25);
    this.tone(1047, 0.2, 0.34, 0.25);
  }

  private tone(hertz: number, from: number, lasts: number, loud: number): void {
    const a = this.audio;
    if (!a || a.state !== "running") return;
    const start = a.currentTime + from;
    const gain = a.createGain();
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(loud, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, start + lasts);
    gain.connect(a.destination);
    const tone = a.createOscillator();
    tone.frequency.value = hertz;
    tone.connect(gain);
    tone.start(start);
    tone.stop(start + lasts);
    document.documentElement.dataset["rang"] = String(Number(document.documentElement.dataset["rang"] ?? 0) + 1);
  }

  private notify(r: Ringing): void {
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const n = new Notification("Chat " + r.chat + " is waiting", { body: r.text, tag: "refdesk-" + r.chat });
    n.onclick = () => {
      window.focus();
      n.close();
    };
    this.notes.push(n);
  }

  private hint(): void {
    $("sound").hidden = this.audible || $("start-here").hidden === false;
  }

  private head(): void {
    const first = [...this.rings.values()][0];
    const n = this.rings.size + this.unread;
    document.title = (n ? "(" + n + ") " : "") + (first ? first.chat + " is waiting · " : "") + this.title;
  }

  private show(): void {
    const box = $("ring");
    const all = [...this.rings.values()];
    box.replaceChildren(
      ...all.slice(0, 1).map((r) => {
        const item = make("div", "ringing");
        const yes = make("button", "main", "Take " + r.chat);
        yes.type = "button";
        yes.addEventListener("click", () => this.take(r.chat));
        const no = make("button", "quiet", "Not now");
        no.type = "button";
        no.setAttribute("aria-label", "Not now: leave " + r.chat + " to others");
        no.addEventListener("click", () => this.notNow(r.chat));
        const said = make("p", "", r.text.replace(/\s+\d+ takes it\.$/, ""));
        said.dir = "auto";
        item.append(said, yes, no);
        return item;
      }),
    );
    if (all.length > 1) box.append(make("p", "muted", `${all.length - 1} more ${all.length === 2 ? "rings" : "ring"}`));
    box.classList.toggle("quiet", all.length === 0);
    this.head();
    clearInterval(this.timer);
    if (this.rings.size > 0) {
      this.timer = window.setInterval(() => this.sound(), againMs);
    } else {
      for (const n of this.notes.splice(0)) n.close();
    }
  }
}
