// SPDX-License-Identifier: Apache-2.0

// Talk with the page around the frame. It must speak first, from an origin that the desk lists, and is answered at that
// origin only. What it says is hostile: an address is kept as origin and path.

import { setup } from "./texts";

export type ToHost = { type: "ready" } | { type: "close" } | { type: "unread"; n: number } | { type: "started" } | { type: "ended" };

export class Host {
  pageURL = "";
  pageTitle = "";
  shown = window.parent === window;
  onShown: (shown: boolean) => void = () => undefined;
  onHello: () => void = () => undefined;
  private origin = "";

  constructor() {
    if (window.parent === window) return;
    const allowed = new Set([location.origin, ...(setup.sites ?? [])]);
    addEventListener("message", (m: MessageEvent<unknown>) => {
      if (m.source !== window.parent || !allowed.has(m.origin)) return;
      const said = m.data as { refdesk?: number; type?: string; url?: unknown; title?: unknown } | null;
      if (said?.refdesk !== 1) return;
      if (said.type === "hello") {
        this.origin = m.origin;
        this.pageURL = bare(said.url);
        if (typeof said.title === "string") this.pageTitle = said.title.slice(0, 200);
        this.tell({ type: "ready" });
        this.onHello();
      } else if (said.type === "shown" || said.type === "hidden") {
        this.shown = said.type === "shown";
        this.onShown(this.shown);
      }
    });
  }

  get framed(): boolean {
    return this.origin !== "";
  }

  tell(what: ToHost): void {
    if (this.origin) window.parent.postMessage({ refdesk: 1, ...what }, this.origin);
  }
}

function bare(url: unknown): string {
  try {
    const u = new URL(String(url));
    return u.protocol === "https:" || u.protocol === "http:" ? (u.origin + u.pathname).slice(0, 1000) : "";
  } catch {
    return "";
  }
}
