// SPDX-License-Identifier: Apache-2.0

// The frames of the board's socket (refdesk.board.v1). A Go test writes boardsamples.ts from what the server sends, and
// tsc holds the two together. Times are milliseconds since 1970.

export type Show = "online" | "away" | "off";

export interface Row {
  chat: number;
  who: string;
  department: string;
  state: string;
  owner: string;
  since: number;
  text: string;
  page: string;
  rings: number;
  lines: number;
  gone: boolean;
  by: string;
  why: string;
}

export interface Board {
  now: number;
  me: { account: string; name: string; role: string; duty: string; until: number };
  waiting: Row[];
  mine: Row[];
  offered: Row[];
  others: Row[];
  to_tag: Row[];
  missed: number;
  colleagues: { account: string; name: string; duty: string; chats: number }[];
  departments: { id: string; name: string; state: string; waiting: number; on: number }[];
}

export interface Command {
  name: string;
  label: string;
}

export interface Head {
  chat: number;
  who: string;
  email: string;
  department: string;
  state: string;
  owner: string;
  mine: boolean;
  writable: boolean;
  joined: string[];
  tags: string[];
  page: string;
  page_url: string;
  page_title: string;
  opened: number;
  since: number;
  claimed: number;
  ended: number;
  gone: boolean;
  received: number;
  shown: number;
  offer_to: string;
  ticket: number;
  pending: boolean;
  held: string;
  lines: number;
  commands: Command[];
}

export interface Line {
  n: number;
  seq: number;
  at: number;
  from: string;
  by: string;
  mine: boolean;
  note: boolean;
  id: string;
  text: string;
  redacted: boolean;
}

export interface Field {
  var: string;
  label: string;
  type: string;
  values: string[];
  options: { label: string; value: string; on: boolean }[];
  required: boolean;
}

export interface Form {
  command: string;
  title: string;
  instructions?: string;
  fields: Field[];
}

export interface Answer {
  command?: string;
  posted?: boolean;
  note?: boolean;
  held?: boolean;
  refused?: string;
  text?: string;
  chat?: number;
  seq?: number;
  line?: number;
}

export type Values = Record<string, string[]>;

/** What waits for an answer, and is sent again with the same id until there is one. */
export type Wish =
  | { type: "say"; id: string; chat: number; text: string }
  | { type: "run"; id: string; chat: number; command: string; values: Values }
  | { type: "duty"; id: string; on: boolean }
  | { type: "decline"; id: string; chat: number }
  | { type: "tell"; id: string; to: string; text: string };

export type Up =
  | Wish
  | { type: "hello"; page: string; epoch: number; after: number; show: Show }
  | { type: "show"; show: Show }
  | { type: "open"; chat: number; after: number }
  | { type: "shut"; chat: number }
  | { type: "form"; id: string; chat: number; command: string }
  | { type: "typing"; chat: number; on: boolean }
  | { type: "got"; chat: number; seq: number }
  | { type: "moved"; seq: number }
  | { type: "ping" };

export type Down =
  | { type: "ready"; epoch: number; seq?: number; reset?: boolean; show: string }
  | { type: "board"; board: Board }
  | { type: "chat"; chat: number; seq: number; head: Head; lines?: Line[] }
  | { type: "head"; chat: number; head: Head }
  | { type: "gone"; chat: number; text: string }
  | { type: "line"; seq: number; chat: number; line: Line }
  | { type: "seen"; chat: number; seq?: number; shown?: boolean }
  | { type: "ring"; seq: number; chat: number; text: string }
  | { type: "answered"; seq: number; chat: number; by?: string }
  | { type: "message"; seq: number; by?: string; from?: string; text?: string }
  | { type: "told"; seq: number; chat?: number; text: string }
  | { type: "typing"; chat: number; on?: boolean }
  | { type: "form"; id?: string; chat?: number; form: Form }
  | { type: "answer"; id: string; chat?: number; answer: Answer }
  | { type: "error"; id?: string; code: string; text: string; retry_after?: number }
  | { type: "pong" };
