# SPDX-License-Identifier: Apache-2.0
"""A staff member's client on slixmpp, driven by JSON lines: commands on standard input, events on standard output.

Arguments: JID, password, host, port, CA file. Every event is an object with "event"; every command one with "do".
"""
import asyncio
import json
import sys

import slixmpp
from slixmpp.exceptions import IqError

SLOW = "{urn:xmpp:delay}delay"
REPLACE = "{urn:xmpp:message-correct:0}replace"


def tell(event, **values):
    print(json.dumps(dict(values, event=event)), flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password, ca):
        super().__init__(jid, password)
        self.ca_certs = ca
        for plugin in ("xep_0030", "xep_0199", "xep_0050", "xep_0054", "xep_0198"):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.message)
        self.add_event_handler("message_error", self.message)
        self.add_event_handler("roster_update", self.roster_update)
        self.add_event_handler("failed_all_auth", lambda _: tell("refused"))
        self.add_event_handler("disconnected", lambda why: tell("disconnected", text=str(why or "")))
        for kind in ("available", "unavailable", "subscribe"):
            self.add_event_handler("presence_" + kind, self.presence)

    async def started(self, _):
        await self.get_roster()
        self.send_presence()
        tell("online", jid=str(self.boundjid))

    def message(self, m):
        delay, replace = m.xml.find(SLOW), m.xml.find(REPLACE)
        tell(
            "message",
            jid=str(m["from"]),
            type=m["type"],
            id=m["id"],
            text=m["body"],
            stamp=delay.get("stamp") if delay is not None else "",
            replaces=replace.get("id") if replace is not None else "",
            condition=m["error"]["condition"] if m["type"] == "error" else "",
        )

    def presence(self, p):
        tell("presence", jid=str(p["from"]), type=p["type"], text=p["status"])

    def roster_update(self, iq):
        for jid, item in iq["roster"]["items"].items():
            tell("roster", jid=str(jid), type=item["subscription"], text=item["name"], groups=sorted(item["groups"] or []))

    async def commands(self, jid):
        try:
            found = await self["xep_0050"].get_commands(jid=jid)
        except IqError as e:
            tell("commands", jid=jid, groups=[], condition=e.condition)
            return
        tell("commands", jid=jid, groups=sorted(item[1] for item in found["disco_items"]["items"]))

    def obey(self, line):
        order = json.loads(line)
        what = order["do"]
        if what == "send":
            m = self.make_message(mto=order["jid"], mbody=order["text"], mtype="chat")
            m["id"] = order.get("id") or self.new_id()
            m.send()
        elif what == "presence":
            self.send_presence(pshow=order.get("type") or None, pstatus=order.get("text") or None)
        elif what == "commands":
            asyncio.ensure_future(self.commands(order["jid"]))


async def read(client):
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        client.obey(line)
    # End the stream in order: a stream that is only cut lives on at the server and catches messages.
    client.add_event_handler("disconnected", lambda _: loop.stop())
    client.disconnect(wait=1)
    loop.call_later(3, loop.stop)


def main():
    jid, password, host, port, ca = sys.argv[1:]
    client = Client(jid, password, ca)
    client.connect((host, int(port)))
    task = client.loop.create_task(read(client))  # kept: the loop itself holds only a weak reference
    client.loop.run_forever()
    del task


main()
