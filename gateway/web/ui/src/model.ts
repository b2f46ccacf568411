// SPDX-License-Identifier: Apache-2.0

// What the page knows of its chat: a fold over the events. Nothing here touches the document.

import type { Event, Standing } from "./wire";

export type Phase = "waiting" | "talking" | "reconnecting" | "closed" | "missed" | "ticketed"; // ticketed: missed, and answered by mail
export type Tick = "none" | "sending" | "sent" | "refused";

export interface Line {
  id: string; // the client's own id for own lines, else "s" + seq
  seq: number; // 0 until it is acknowledged
  from: "patron" | "staff" | "system" | "note";
  by: string;
  text: string;
  at: string;
  tick: Tick;
  why: string;
  mark: "" | "edited" | "removed";
}

export interface Note {
  key: "joined" | "left" | "passed" | "passed.department";
  by: string;
}

export class Model {
  phase: Phase = "waiting";
  by = "";
  place = 0;
  most = 0; // minutes that one waits at most, 0 = not known
  waitText = "";
  late = false; // it takes longer than it should
  silent = false; // it ended because nobody wrote
  answered = false; // by a member of staff
  rated = 0;
  until = ""; // until when a closed chat can be written to
  still = "";
  skew = 0; // how far the desk's clock is ahead of this one
  ticket = 0;
  contactWanted = false;
  lines: Line[] = [];

  /** Forgets everything but the own lines that are not acknowledged. */
  reset(): void {
    const waiting = this.lines.filter((l) => l.tick === "sending");
    const skew = this.skew;
    Object.assign(this, new Model());
    this.skew = skew;
    this.lines = waiting;
  }

  /** Takes in how the chat stands now: what events don't tell, or told before. */
  stand(s: Standing): void {
    if (s.state === "claimed") this.phase = this.phase === "reconnecting" ? "reconnecting" : "talking";
    else if (s.state !== "closed" || this.phase !== "ticketed") this.phase = s.state;
    this.most = Math.round((s.wait_seconds ?? 0) / 60);
    this.ticket = s.ticket ?? this.ticket;
    this.contactWanted = !!s.contact_until;
    this.place = s.place ?? 0;
    this.until = s.writable_until ?? "";
    this.skew = Date.parse(s.now) - Date.now();
    if (s.by) this.by = s.by;
  }

  /** Milliseconds until a moment of the desk's clock. */
  left(moment: string): number {
    return moment ? Date.parse(moment) - Date.now() - this.skew : 0;
  }

  /** Adds an own line that is on its way. */
  draft(id: string, text: string, at: string): Line {
    const line: Line = { id, seq: 0, from: "patron", by: "", text, at, tick: "sending", why: "", mark: "" };
    this.lines.push(line);
    return line;
  }

  find(id: string): Line | undefined {
    return this.lines.find((l) => l.id === id);
  }

  /** Takes in one event and returns the line it made or changed, if any. */
  apply(e: Event, note: (n: Note) => string): Line | undefined {
    switch (e.kind) {
      case "waiting":
        this.phase = "waiting";
        this.place = e.place ?? 0;
        this.by = "";
        this.waitText = "";
        this.late = false;
        return;
      case "wait":
        this.waitText = e.text;
        this.late = e.late ?? false;
        return;
      case "claimed": {
        const back = this.phase === "reconnecting" && this.by === e.by;
        this.phase = "talking";
        this.by = e.by;
        this.late = false;
        this.waitText = "";
        if (back) return;
        return this.note(e, note({ key: "joined", by: e.by }));
      }
      case "joined":
      case "left":
        return this.note(e, note({ key: e.kind, by: e.by }));
      case "transferred":
        this.phase = "waiting";
        return this.note(e, note(e.department ? { key: "passed.department", by: e.department } : { key: "passed", by: e.by ?? "" }));
      case "message":
        return this.message(e);
      case "edited":
      case "retracted": {
        const line = this.lines.find((l) => l.seq === e.of);
        if (line) {
          line.mark = e.kind === "edited" ? "edited" : "removed";
          line.text = e.kind === "edited" ? e.text : "";
        }
        return line;
      }
      case "reconnecting":
        this.phase = "reconnecting";
        return;
      case "still":
        this.still = e.until;
        return;
      case "here":
        this.still = "";
        return;
      case "contact_wanted":
        this.contactWanted = true;
        return;
      case "contact_lapsed":
        this.contactWanted = false;
        return;
      case "ticket":
        this.ticket = e.number;
        this.contactWanted = false;
        if (this.phase === "missed") this.phase = "ticketed";
        return;
      case "rated":
        this.rated = e.score;
        return;
      case "missed":
        this.phase = "missed";
        return;
      case "closed":
        this.phase = "closed";
        this.until = e.writable_until ?? "";
        this.still = "";
        this.silent = !e.by;
        if (e.by) this.by = e.by;
        return;
      case "reopened":
        if (e.by) this.by = e.by;
        this.phase = this.by ? "talking" : "waiting";
        this.until = "";
        this.silent = false;
        return;
    }
  }

  private note(e: Event, text: string): Line {
    const line: Line = { id: "s" + e.seq, seq: e.seq, from: "note", by: "", text, at: e.at, tick: "none", why: "", mark: "" };
    this.insert(line);
    return line;
  }

  private message(e: Event & { kind: "message" }): Line {
    this.still = "";
    if (e.from === "staff") {
      this.answered = true;
      this.waitText = ""; // a promise is kept with a line
    }
    if (e.from === "staff" && this.phase === "reconnecting") this.phase = "talking";
    if (e.from === "patron" && this.phase === "missed") this.phase = "waiting"; // writing brings it back
    const own = e.from === "patron" && e.id ? this.find(e.id) : undefined;
    if (own) {
      own.seq = e.seq;
      own.at = e.at;
      own.text = e.text; // as the desk keeps it
      own.tick = "sent";
      this.lines.splice(this.lines.indexOf(own), 1);
      this.insert(own);
      return own;
    }
    const line: Line = {
      id: (e.from === "patron" && e.id) || "s" + e.seq,
      seq: e.seq,
      from: e.from,
      by: e.by ?? "",
      text: e.text,
      at: e.at,
      tick: e.from === "patron" ? "sent" : "none",
      why: "",
      mark: "",
    };
    this.insert(line);
    return line;
  }

  /** Puts a line where its seq belongs: after every smaller one, before those that have none yet. */
  private insert(line: Line): void {
    let i = this.lines.length;
    while (i > 0) {
      const before = this.lines[i - 1]!;
      if (before.seq !== 0 && before.seq <= line.seq) break;
      i--;
    }
    this.lines.splice(i, 0, line);
  }
}
