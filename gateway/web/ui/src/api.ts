// SPDX-License-Identifier: Apache-2.0

// Calls of API v1. An Outcome is never thrown: either the node answered, or it could not be reached.

import type { Problem } from "./wire";

export type Outcome<T> =
  | { ok: true; status: number; body: T }
  | { ok: false; status: number; problem: Problem; retry: number } // the node refused; retry in seconds
  | { ok: false; status: 0; problem: Problem; retry: number }; // nobody answered

export const apiPath = "/api/v1";

/** One call to the node at base ("" = where the page came from). Waits at most ms. */
export async function call<T>(
  base: string,
  method: "GET" | "POST",
  path: string,
  options: { token?: string; body?: unknown; ms?: number; signal?: AbortSignal; keepalive?: boolean } = {},
): Promise<Outcome<T>> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.ms ?? 8000);
  const stop = () => abort.abort();
  options.signal?.addEventListener("abort", stop);
  try {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (options.token) headers["Authorization"] = "Bearer " + options.token;
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    const init: RequestInit = { method, headers, signal: abort.signal, cache: "no-store", credentials: "omit", mode: "cors" };
    if (options.keepalive) init.keepalive = true; // also while the page goes away
    if (options.body !== undefined) init.body = JSON.stringify(options.body);
    const answer = await fetch(base + apiPath + path, init);
    const text = await answer.text();
    const parsed: unknown = text ? JSON.parse(text) : {};
    if (answer.ok) return { ok: true, status: answer.status, body: parsed as T };
    const retry = Number(answer.headers.get("Retry-After") ?? "1") || 1;
    return { ok: false, status: answer.status, problem: parsed as Problem, retry };
  } catch {
    return { ok: false, status: 0, problem: { code: "unreachable" }, retry: 1 };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", stop);
  }
}

/** A call that failed in a way that the same call, here or on another node, may not. */
export function passing(o: Outcome<unknown>): boolean {
  return !o.ok && (o.status === 0 || o.status >= 500);
}

/** An id that nobody else will make. randomUUID wants a secure page, which an intranet's may not be. */
export function newId(): string {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6]! & 0x0f) | 0x40;
  b[8] = (b[8]! & 0x3f) | 0x80;
  const hex = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** 32 random bytes in base64url: what opens the chat, for whoever holds it. */
export function newToken(): string {
  const b = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...b)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
