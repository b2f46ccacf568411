// SPDX-License-Identifier: Apache-2.0

// The connection to the desk. It speaks WebSocket where it can and long polls where it can't, goes to the next node when
// one does not answer, asks for what came after the last event it has, and keeps every line until a node has said that
// it is committed: the next one goes only then, so the order stays, and a repeat carries the same id.

import { apiPath, call, newId, passing } from "./api";
import type { Draft } from "./store";
import type { Down, Event, Events, Standing, Up } from "./wire";

export interface Handlers {
  events(list: Event[], reset: boolean): void;
  up(): void;
  down(): void;
  acked(id: string, seq: number): void;
  refused(id: string, code: string): void;
  typing(on: boolean): void;
  gone(): void;
  unsent(list: Draft[]): void;
}

const protocol = "refdesk.v1";
const handshakeMs = 4000;
const quietMs = 20000; // after this long without a frame the node is asked
const pongMs = 6000;
const ackMs = 8000;
const pollSeconds = 25;
const retrySocketMs = 60000;

type Result = "worked" | "dead";

export class Link {
  private at = 0;
  private ended = false;
  private away = false; // the page is left, for now or for ever
  private socket: WebSocket | null = null;
  private polling: string | null = null; // the node that is polled; "" is the page's own
  private pollsUp = false;
  private inflight = ""; // id of the line that was sent last and is not settled
  private denials = 0;
  private ackTimer = 0;
  private wake: () => void = () => undefined;
  private readonly abort = new AbortController();

  constructor(
    private readonly nodes: string[],
    private readonly chat: string,
    private readonly token: string,
    private epoch: number,
    private after: number,
    private readonly outbox: Draft[],
    private readonly on: Handlers,
  ) {
    addEventListener("online", () => this.wake());
    // A page that is left may be kept alive for the way back, its socket with it: the desk would think the patron is here.
    addEventListener("pagehide", () => ((this.away = true), this.socket?.close(1000)));
    addEventListener("pageshow", () => ((this.away = false), this.wake()));
  }

  /** Runs until end. */
  async run(): Promise<void> {
    for (let misses = 0; !this.ended; ) {
      while (this.away && !this.ended) await this.pause(quietMs);
      const base = this.nodes[this.at] ?? "";
      let result = await this.overSocket(base);
      if (result === "dead" && !this.ended && !this.away) result = await this.overPolls(base);
      if (this.ended) return;
      if (result === "worked") {
        misses = 0;
        if (this.pollsUp) {
          this.pollsUp = false;
          continue; // polls went well; the socket gets another try on the same node
        }
      }
      this.on.down();
      this.at = (this.at + 1) % this.nodes.length;
      misses++;
      const rounds = Math.floor(misses / this.nodes.length);
      if (misses % this.nodes.length === 0) await this.pause(Math.min(300 * 2 ** rounds, 8000) * (0.75 + Math.random() / 2));
    }
  }

  end(): void {
    this.ended = true;
    this.abort.abort();
    this.socket?.close(1000);
    this.wake();
  }

  /** Queues a line; it is kept until it is acknowledged or refused. */
  send(line: Draft): void {
    this.outbox.push(line);
    this.on.unsent(this.outbox);
    void this.flush();
  }

  /** Says something that may get lost: typing, seen. */
  async say(frame: Up & { type: "typing" | "seen" }): Promise<void> {
    if (this.socket) {
      this.socket.send(JSON.stringify(frame));
      return;
    }
    const { type, ...body } = frame;
    await this.post(type, body);
  }

  /** Ends, and says goodbye to the first node that answers. In this order: a socket that opens later would be a return. */
  async leave(): Promise<void> {
    const bases = new Set([this.base, ...this.nodes]);
    this.end();
    for (const base of bases) {
      const got = await call(base, "POST", `/chats/${this.chat}/leave`, { token: this.token, body: {}, keepalive: true });
      if (!passing(got)) return;
    }
  }

  /** Says whether an FAQ helped, to the first node that answers. */
  async vote(slug: string, up: boolean): Promise<void> {
    const body = { id: newId(), up };
    for (const base of new Set([this.base, ...this.nodes])) {
      if (!passing(await call(base, "POST", `/faqs/${encodeURIComponent(slug)}/vote`, { body }))) return;
    }
  }

  /** How the chat stands now, if the node answers. */
  async standing(): Promise<Standing | null> {
    const got = await call<Standing>(this.base, "GET", `/chats/${this.chat}`, { token: this.token });
    return got.ok ? got.body : null;
  }

  private get base(): string {
    return this.polling ?? this.nodes[this.at] ?? "";
  }

  post(what: string, body: unknown) {
    return call<{ seq?: number }>(this.base, "POST", `/chats/${this.chat}/${what}`, { token: this.token, body });
  }

  /** One connection by WebSocket: resolves when it is over. */
  private overSocket(base: string): Promise<Result> {
    return new Promise((resolve) => {
      const url = (base || location.origin).replace(/^http/, "ws") + `${apiPath}/chats/${this.chat}/socket`;
      let ws: WebSocket;
      try {
        ws = new WebSocket(url, protocol);
      } catch {
        resolve("dead");
        return;
      }
      let worked = false;
      let watch = window.setTimeout(() => over(), handshakeMs);
      const over = () => {
        clearTimeout(watch);
        clearTimeout(this.ackTimer);
        ws.onopen = ws.onmessage = ws.onclose = ws.onerror = null;
        ws.close();
        if (this.socket === ws) this.socket = null;
        this.abort.signal.removeEventListener("abort", over);
        this.inflight = "";
        resolve(worked ? "worked" : "dead");
      };
      const listen = () => {
        clearTimeout(watch);
        watch = window.setTimeout(() => {
          ws.send(JSON.stringify({ type: "ping" } satisfies Up));
          watch = window.setTimeout(over, pongMs);
        }, quietMs);
      };
      ws.onclose = ws.onerror = over;
      ws.onopen = () => ws.send(JSON.stringify({ type: "auth", token: this.token, after: this.after, epoch: this.epoch } satisfies Up));
      ws.onmessage = (m: MessageEvent<string>) => {
        if (this.ended) return over();
        const frame = JSON.parse(m.data) as Down;
        if (frame.type === "error" && !frame.id && !worked) {
          if (["unauthorized", "forbidden", "not-found"].includes(frame.code)) this.deny();
          return over();
        }
        listen();
        if (frame.type === "ready") {
          worked = true;
          this.denials = 0;
          this.socket = ws;
          if (frame.epoch !== this.epoch) this.epoch = frame.epoch;
          this.on.up();
          void this.flush();
          return;
        }
        this.take(frame);
      };
      this.abort.signal.addEventListener("abort", over, { once: true });
    });
  }

  private take(frame: Down): void {
    switch (frame.type) {
      case "event":
        this.deliver([frame.event], false);
        return;
      case "reset":
        this.after = 0;
        this.on.events([], true);
        return;
      case "typing":
        this.on.typing(frame.on);
        return;
      case "ack":
        this.settle(frame.id, () => this.on.acked(frame.id, frame.seq));
        return;
      case "error": {
        const id = frame.id;
        if (!id) return;
        if (frame.code === "throttled" || frame.code === "unavailable") {
          clearTimeout(this.ackTimer);
          this.ackTimer = window.setTimeout(() => this.again(id), (frame.retry_after ?? 1) * 1000);
        } else {
          this.settle(id, () => this.on.refused(id, frame.code));
        }
      }
    }
  }

  /** Long polls one node until it fails or the socket is due for another try. */
  private async overPolls(base: string): Promise<Result> {
    const until = Date.now() + retrySocketMs;
    this.pollsUp = false;
    try {
      while (!this.ended) {
        const wait = this.pollsUp ? pollSeconds : 0;
        const epoch = this.epoch ? `&epoch=${this.epoch}` : "";
        const got = await call<Events>(base, "GET", `/chats/${this.chat}/events?after=${this.after}${epoch}&wait=${wait}`, {
          token: this.token,
          ms: wait * 1000 + 5000,
          signal: this.abort.signal,
        });
        if (this.ended) return "dead";
        if (!got.ok) {
          const worked = this.pollsUp;
          this.pollsUp = false;
          if (!passing(got) && got.status !== 429) this.deny();
          return worked ? "worked" : "dead";
        }
        if (got.body.reset) this.after = 0;
        this.epoch = got.body.epoch;
        this.deliver(got.body.events, got.body.reset ?? false);
        if (!this.pollsUp) {
          this.pollsUp = true;
          this.denials = 0;
          this.polling = base;
          this.on.up();
          void this.flush();
        }
        if (Date.now() > until) return "worked";
      }
      return "dead";
    } finally {
      this.polling = null;
    }
  }

  private deliver(list: Event[], reset: boolean): void {
    const fresh = list.filter((e) => e.seq > this.after || reset);
    for (const e of fresh) this.after = Math.max(this.after, e.seq);
    for (const e of fresh) {
      // A line that came back as an event is committed, whether its own answer arrived or not.
      if (e.kind === "message" && e.id && this.outbox.some((d) => d.id === e.id)) this.settle(e.id, () => undefined);
    }
    if (fresh.length || reset) this.on.events(fresh, reset);
  }

  /** Sends the first line of the outbox, and the next when it is settled. */
  private async flush(): Promise<void> {
    const head = this.outbox[0];
    if (!head || this.inflight || this.ended) return;
    if (this.socket) {
      this.inflight = head.id;
      this.socket.send(JSON.stringify({ type: "message", id: head.id, text: head.text } satisfies Up));
      clearTimeout(this.ackTimer);
      const ws = this.socket;
      this.ackTimer = window.setTimeout(() => ws.close(), ackMs);
      return;
    }
    if (this.polling === null) return;
    this.inflight = head.id;
    const got = await this.post("messages", head);
    if (got.ok) {
      this.settle(head.id, () => this.on.acked(head.id, got.body.seq ?? 0));
    } else if (passing(got) || got.status === 429) {
      await this.pause(got.retry * 1000);
      this.again(head.id);
    } else {
      this.settle(head.id, () => this.on.refused(head.id, got.problem.code));
    }
  }

  /** The line with the id is no longer under way: goes on with what is first now. */
  private again(id: string): void {
    if (this.inflight === id) this.inflight = "";
    void this.flush();
  }

  private settle(id: string, tell: () => void): void {
    const i = this.outbox.findIndex((d) => d.id === id);
    if (i >= 0) {
      this.outbox.splice(i, 1);
      this.on.unsent(this.outbox);
    }
    if (this.inflight === id) clearTimeout(this.ackTimer);
    tell();
    this.again(id);
  }

  /** A node that lags may not know the chat yet: only when each has said no is it lost. */
  private deny(): void {
    if (++this.denials <= this.nodes.length) return;
    this.end();
    this.on.gone();
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
