// SPDX-License-Identifier: Apache-2.0

// What survives a reload of the page: the chat and its token, the line that is not acknowledged yet. In the frame's own
// sessionStorage, written only after Start; where the browser allows no storage, in memory.

import type { OpenRequest } from "./wire";

export interface Draft {
  id: string;
  text: string;
}

export interface Saved {
  opening: OpenRequest; // repeated as it is until the desk has answered
  chat?: string;
  epoch?: number;
  nodes: string[];
  unsent: Draft[];
}

export class Store {
  private memory: string | null = null;

  constructor(private readonly key: string) {}

  load(): Saved | null {
    let text = this.memory;
    try {
      text = sessionStorage.getItem(this.key) ?? this.memory;
    } catch {
      // Storage is forbidden here; memory it is.
    }
    if (!text) return null;
    try {
      return JSON.parse(text) as Saved;
    } catch {
      return null;
    }
  }

  save(s: Saved): void {
    this.memory = JSON.stringify(s);
    try {
      sessionStorage.setItem(this.key, this.memory);
    } catch {
      // Forbidden or full; the chat goes on, a reload will lose it.
    }
  }

  clear(): void {
    this.memory = null;
    try {
      sessionStorage.removeItem(this.key);
    } catch {
      // There was nothing.
    }
  }
}
