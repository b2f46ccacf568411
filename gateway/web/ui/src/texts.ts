// SPDX-License-Identifier: Apache-2.0

// The page's own table of texts, which the server put into it. The keys are those of the English table.

import type tables from "../texts.json";

export type Key = keyof (typeof tables)["en"];

export interface Setup {
  department: string;
  name: string;
  state: "online" | "away" | "closed";
  nextOpen: string;
  nodes: string[] | null;
  sites: string[] | null;
  locale: string;
  titles: boolean; // the desk keeps titles of pages
  wait: number; // seconds that one waits at most, 0 = not known
}

function data<T>(id: string): T {
  return JSON.parse(document.getElementById(id)?.textContent ?? "{}") as T;
}

export const setup = data<Setup>("setup");
const table = data<Record<Key, string>>("texts");

/** The text of a key, with its {places} filled. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return (table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A number in the page's language: 4,001. */
export function count(n: number): string {
  return new Intl.NumberFormat(setup.locale).format(n);
}

/** The time of day in the page's language. */
export function clock(at: string): string {
  return new Intl.DateTimeFormat(setup.locale, { hour: "numeric", minute: "2-digit" }).format(new Date(at));
}

/** A moment in the coming days, with its weekday. */
export function day(at: string): string {
  return new Intl.DateTimeFormat(setup.locale, { weekday: "long", hour: "numeric", minute: "2-digit" }).format(new Date(at));
}
