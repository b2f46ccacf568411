// SPDX-License-Identifier: Apache-2.0

// The types of API v1 as docs/api.md describes them. A Go test writes samples.ts from what the server sends, and tsc
// holds the two together.

export type DoorState = "online" | "away" | "closed";

export interface Department {
  id: string;
  name: string;
  state: DoorState;
  next_open?: string;
  waiting: number;
  wait_seconds?: number;
  fields?: Field[];
}

/** What a department asks for before a chat. */
export interface Field {
  name: string;
  label: string;
  choices?: string[];
  required?: boolean;
}

export interface OpenRequest {
  id: string;
  token: string;
  department: string;
  question: string;
  name?: string;
  email?: string;
  locale?: string;
  page_url?: string;
  page_title?: string;
  fields?: Record<string, string>;
  keep_transcript?: boolean;
}

export interface AskRequest {
  id: string;
  department: string;
  question: string;
  email: string;
  name?: string;
  fields?: Record<string, string>;
  locale?: string;
}

export interface Asked {
  ticket: string;
}

export interface FAQHit {
  slug: string;
  question: string;
  snippet: string;
  score: number;
}

export interface FAQs {
  answers: FAQHit[];
  good: boolean;
}

export interface Opened {
  chat: string;
  seq: number;
  epoch: number;
  nodes: string[];
}

/** The answer of GET /chats/{chat}. */
export interface Standing {
  chat: string;
  department: string;
  state: "waiting" | "claimed" | "missed" | "closed";
  by?: string;
  place?: number;
  wait_seconds?: number;
  ticket?: number;
  contact_until?: string;
  opened: string;
  now: string;
  writable_until?: string;
  seq: number;
  epoch: number;
}

interface Base {
  seq: number;
  at: string;
}

/** What happened in a chat, as its patron may see it. Kinds that a page doesn't know are to be ignored. */
export type Event = Base &
  (
    | { kind: "waiting"; place?: number }
    | { kind: "wait"; text: string; minutes?: number; late?: boolean }
    | { kind: "claimed"; by: string }
    | { kind: "joined"; by: string }
    | { kind: "left"; by: string }
    | { kind: "message"; from: "patron" | "staff" | "system"; by?: string; id?: string; text: string }
    | { kind: "edited"; of: number; text: string }
    | { kind: "retracted"; of: number }
    | { kind: "transferred"; by?: string; department?: string }
    | { kind: "reconnecting" }
    | { kind: "still"; until: string }
    | { kind: "here" }
    | { kind: "contact_wanted" }
    | { kind: "contact_lapsed" }
    | { kind: "ticket"; number: number }
    | { kind: "missed" }
    | { kind: "closed"; by?: string; writable_until?: string }
    | { kind: "reopened"; by?: string }
    | { kind: "rated"; score: number }
  );

export interface Events {
  epoch: number;
  events: Event[];
  reset?: boolean;
}

/** An error answer (RFC 9457) or error frame. */
export interface Problem {
  code: string;
  status?: number;
  title?: string;
  detail?: string;
  field?: string;
  next_open?: string;
  form?: string;
}

export type Up =
  | { type: "auth"; token: string; after: number; epoch: number }
  | { type: "message"; id: string; text: string }
  | { type: "typing"; on: boolean }
  | { type: "seen"; seq: number; visible: boolean }
  | { type: "leave" }
  | { type: "here" }
  | { type: "ping" };

export type Down =
  | { type: "ready"; epoch: number; seq: number }
  | { type: "ack"; id: string; seq: number }
  | { type: "event"; seq: number; event: Event }
  | { type: "typing"; on: boolean }
  | { type: "error"; code: string; message: string; id?: string; retry_after?: number }
  | { type: "pong" }
  | { type: "reset" };
