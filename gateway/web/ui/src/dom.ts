// SPDX-License-Identifier: Apache-2.0

// The few things every module does with the document. Text goes in as text, never as HTML.

export function $<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error("no element " + id);
  return found as T;
}

export function make<K extends keyof HTMLElementTagNameMap>(tag: K, className = "", text = ""): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text) e.textContent = text;
  return e;
}

/**
 * Sets a text only when it differs, so that a live region does not announce it again. A status region stays in the page
 * when it is empty: screen readers miss what appears together with its region.
 */
export function put(e: HTMLElement, text: string): void {
  if (e.textContent !== text) e.textContent = text;
  if (e.getAttribute("role") !== "status") e.hidden = text === "";
}

/** The text with its web addresses as links that open beside the page. */
export function linked(text: string): (Node | string)[] {
  const parts: (Node | string)[] = [];
  let from = 0;
  for (const m of text.matchAll(/https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g)) {
    parts.push(text.slice(from, m.index));
    const a = make("a", "", m[0]);
    a.href = m[0];
    a.target = "_blank";
    a.rel = "noopener noreferrer";
    parts.push(a);
    from = m.index + m[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

/** Shows an address large, letter by letter as it was written; nothing hides it. */
export function address(e: HTMLElement, text: string): void {
  put(e, text);
  e.hidden = text === "";
}

export function looksLikeEmail(s: string): boolean {
  return /^[^\s@<>,;"()]+@[^\s@<>,;"()]+$/.test(s);
}

export const maxText = 4000;

/** The length as the desk counts it: in Unicode code points. */
export function points(text: string): number {
  return Array.from(text).length;
}
