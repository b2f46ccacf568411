// SPDX-License-Identifier: Apache-2.0

// The board's connection. It comes again after every break, tells how far it has come, and keeps what waits for an answer
// until there is one: a repeat carries the same id, so that nothing is done twice.

import { newId } from "./api";
import type { Answer, Down, Form, Show, Up, Wish } from "./boardwire";

const protocol = "refdesk.board.v1";
const quietMs = 20000; // after this long without a frame the desk is asked
const pongMs = 6000;
const answerMs = 9000;
const signInAgain = 4401;
const aliveMs = 10 * 60 * 1000;
const movedMs = 2000;

/** A request without its id. */
export type Asking = Wish extends infer W ? (W extends Wish ? Omit<W, "id"> : never) : never;

export interface Handlers {
  frame(f: Down): void;
  up(): void;
  down(): void;
}

interface Waiting {
  wish: Wish;
  settle: (a: Answer) => void;
}

export class Link {
  readonly page: string;
  epoch = 0;
  after = 0;
  show: Show = "off";
  connected = false;
  private socket: WebSocket | null = null;
  private readonly outbox: Waiting[] = [];
  private readonly forms = new Map<string, (f: Form | string) => void>();
  private inflight = "";
  private answerTimer = 0;
  private moved = 0;
  private wake: () => void = () => undefined;

  constructor(page: string, private readonly on: Handlers) {
    this.page = page;
    addEventListener("online", () => this.wake());
    document.addEventListener("visibilitychange", () => this.wake());
    setInterval(() => void this.alive(), aliveMs);
    setInterval(() => this.tellMoved(), movedMs);
  }

  /** Runs as long as the page. */
  async run(): Promise<void> {
    for (let misses = 0; ; ) {
      const worked = await this.connect();
      misses = worked ? 0 : misses + 1;
      this.on.down();
      if (misses % 4 === 1) await this.alive();
      await this.pause(Math.min(250 * 2 ** misses, 8000) * (0.75 + Math.random() / 2));
    }
  }

  /** Says something that is not waited for. */
  tell(f: Up): void {
    if (this.connected && this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(f));
  }

  setShow(show: Show): void {
    this.show = show;
    this.tell({ type: "show", show });
  }

  /** Asks for something and resolves with the answer, however long that takes. */
  ask(what: Asking): Promise<Answer> {
    return new Promise((settle) => {
      this.outbox.push({ wish: { ...what, id: newId() } as Wish, settle });
      this.flush();
    });
  }

  /** As ask, with an id of the caller's. */
  say(id: string, chat: number, text: string): Promise<Answer> {
    return new Promise((settle) => {
      this.outbox.push({ wish: { type: "say", id, chat, text }, settle });
      this.flush();
    });
  }

  /** Asks for a command's form; a string says why there is none. */
  form(chat: number, command: string): Promise<Form | string> {
    if (!this.connected) return Promise.resolve("The desk can’t be reached at the moment.");
    const id = newId();
    return new Promise((resolve) => {
      this.forms.set(id, resolve);
      this.tell({ type: "form", id, chat, command });
    });
  }

  private connect(): Promise<boolean> {
    return new Promise((resolve) => {
      let worked = false;
      let said = this.show;
      const ws = new WebSocket(location.origin.replace(/^http/, "ws") + "/board/socket", protocol);
      let watch = window.setTimeout(() => over(), 8000);
      const over = (code = 0) => {
        clearTimeout(watch);
        clearTimeout(this.answerTimer);
        ws.onopen = ws.onmessage = ws.onclose = ws.onerror = null;
        ws.close();
        this.socket = null;
        this.connected = false;
        this.inflight = "";
        for (const resolveForm of this.forms.values()) resolveForm("The desk can’t be reached at the moment.");
        this.forms.clear();
        if (code === signInAgain) void this.alive();
        resolve(worked);
      };
      const listen = () => {
        clearTimeout(watch);
        watch = window.setTimeout(() => {
          ws.send(JSON.stringify({ type: "ping" } satisfies Up));
          watch = window.setTimeout(() => over(), pongMs);
        }, quietMs);
      };
      ws.onclose = (e) => over(e.code);
      ws.onerror = () => over();
      ws.onopen = () => {
        said = this.show;
        ws.send(JSON.stringify({ type: "hello", page: this.page, epoch: this.epoch, after: this.after, show: said } satisfies Up));
      };
      ws.onmessage = (m: MessageEvent<string>) => {
        const frame = JSON.parse(m.data) as Down;
        listen();
        if (frame.type === "ready") {
          worked = true;
          this.socket = ws;
          this.connected = true;
          this.epoch = frame.epoch;
          if (frame.reset) this.after = frame.seq ?? 0;
          if (this.show !== said) this.tell({ type: "show", show: this.show }); // chosen while the hello was on its way
          this.on.frame(frame);
          this.on.up();
          this.flush();
          return;
        }
        if (frame.type === "error" && !worked) return over();
        this.take(frame);
      };
    });
  }

  private take(frame: Down): void {
    switch (frame.type) {
      case "pong":
        return;
      case "form":
        this.forms.get(frame.id ?? "")?.(frame.form);
        this.forms.delete(frame.id ?? "");
        return;
      case "answer":
        this.settle(frame.id, frame.answer);
        return;
      case "error":
        this.failed(frame);
        return;
      case "line":
      case "told":
      case "ring":
      case "answered":
      case "message":
        this.after = Math.max(this.after, frame.seq);
    }
    this.on.frame(frame);
  }

  private failed(frame: Down & { type: "error" }): void {
    const id = frame.id ?? "";
    const form = this.forms.get(id);
    if (form) {
      this.forms.delete(id);
      form(frame.text);
    } else if (frame.code === "throttled" || frame.code === "unavailable") {
      if (this.inflight !== id || !id) return;
      clearTimeout(this.answerTimer);
      this.answerTimer = window.setTimeout(() => {
        this.inflight = "";
        this.flush();
      }, (frame.retry_after ?? 1) * 1000);
    } else if (id) {
      this.settle(id, { refused: frame.code, text: frame.text });
    }
  }

  /** Sends the first request of the outbox, and the next when it is settled: what is typed keeps its order. */
  private flush(): void {
    const first = this.outbox[0];
    if (!first || this.inflight || !this.connected) return;
    this.inflight = first.wish.id;
    this.tell(first.wish);
    const ws = this.socket;
    clearTimeout(this.answerTimer);
    this.answerTimer = window.setTimeout(() => ws?.close(), answerMs);
  }

  private settle(id: string, a: Answer): void {
    const i = this.outbox.findIndex((w) => w.wish.id === id);
    if (i >= 0) this.outbox.splice(i, 1)[0]?.settle(a);
    if (this.inflight === id) {
      clearTimeout(this.answerTimer);
      this.inflight = "";
    }
    this.flush();
  }

  private tellMoved(): void {
    if (this.after <= this.moved || !this.connected) return;
    this.moved = this.after;
    this.tell({ type: "moved", seq: this.moved });
  }

  /** Asks whether somebody is signed in; if not, that comes first. */
  private async alive(): Promise<void> {
    try {
      const got = await fetch("/board/alive", { cache: "no-store", headers: { Accept: "application/json" } });
      if (got.status === 401 || got.status === 403) location.assign("/sign-in?next=%2Fboard");
    } catch {
      // Nobody answers: the next try to connect will tell.
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = window.setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
