// SPDX-License-Identifier: Apache-2.0

// The chat page: starts a chat, or goes on with the one that this frame holds a token for.

import { $ } from "./dom";
import { Door, openChat } from "./door";
import { Host } from "./embed";
import { type Saved, Store } from "./store";
import { Talk } from "./talk";
import { setup } from "./texts";
import type { OpenRequest } from "./wire";

const host = new Host();
const store = new Store("refdesk:chat:" + setup.department);
let talk: Talk | null = null;

/** The nodes to try: this page's own first, as "", then the others. */
function nodes(more: string[]): string[] {
  const others = [...(setup.nodes ?? []), ...more].map((u) => u.replace(/\/+$/, "")).filter((u) => u !== location.origin);
  return ["", ...new Set(others)];
}

async function start(opening: OpenRequest): Promise<string> {
  const saved: Saved = { opening, nodes: [], unsent: [] };
  store.save(saved);
  const got = await openChat(nodes([]), opening);
  if (typeof got === "string") {
    store.clear();
    return got;
  }
  saved.chat = got.chat;
  saved.epoch = got.epoch;
  saved.nodes = got.nodes;
  store.save(saved);
  host.tell({ type: "started" });
  resume(saved, got.chat);
  talk?.focus();
  return "";
}

function resume(saved: Saved, chat: string): void {
  talk = new Talk(saved, chat, nodes(saved.nodes), store, host, () => {
    talk = null;
    door.open();
    door.focus();
  });
  talk.open();
}

const door = new Door(nodes([]), host, start);

const closing = $<HTMLButtonElement>("close");
closing.addEventListener("click", () => host.tell({ type: "close" }));
host.onHello = () => (closing.hidden = false);
host.onShown = (shown) => {
  talk?.look();
  if (shown) (talk ?? door).focus();
};
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape" && host.framed) host.tell({ type: "close" });
});

const before = store.load();
if (before?.chat) {
  resume(before, before.chat);
} else {
  door.open();
  // The page was reloaded before the desk had answered: the same request again finds the same chat.
  if (before) void start(before.opening);
}
