// SPDX-License-Identifier: Apache-2.0

// Written by TestBoardSamples of gateway/web/staff: one sample of everything that the server sends to the board. tsc
// compares them with the types; nothing else reads this file.

import type { Down } from "./boardwire";

export const frames: Down[] = [
  {"type":"ready","epoch":1,"seq":7,"reset":true,"show":"online"},
  {"type":"board","board":{"now":1,"me":{"account":"ana","name":"Ana","role":"operator","duty":"on","until":1},"waiting":[{"chat":42,"who":"Mia","department":"Reference","state":"waiting","owner":"Ana","since":1,"text":"Hello?","page":"/","rings":1,"lines":1,"gone":true,"by":"Ben","why":"maps"}],"mine":[{"chat":42,"who":"Mia","department":"Reference","state":"waiting","owner":"Ana","since":1,"text":"Hello?","page":"/","rings":1,"lines":1,"gone":true,"by":"Ben","why":"maps"}],"offered":[{"chat":42,"who":"Mia","department":"Reference","state":"waiting","owner":"Ana","since":1,"text":"Hello?","page":"/","rings":1,"lines":1,"gone":true,"by":"Ben","why":"maps"}],"others":[{"chat":42,"who":"Mia","department":"Reference","state":"waiting","owner":"Ana","since":1,"text":"Hello?","page":"/","rings":1,"lines":1,"gone":true,"by":"Ben","why":"maps"}],"to_tag":[{"chat":42,"who":"Mia","department":"Reference","state":"waiting","owner":"Ana","since":1,"text":"Hello?","page":"/","rings":1,"lines":1,"gone":true,"by":"Ben","why":"maps"}],"missed":1,"colleagues":[{"account":"ben","name":"Ben","duty":"on","chats":1}],"departments":[{"id":"reference","name":"Reference","state":"online","waiting":1,"on":1}]}},
  {"type":"chat","seq":7,"chat":42,"head":{"chat":42,"who":"Mia","email":"mia@example.org","department":"Reference","state":"claimed","owner":"Ana","mine":true,"writable":true,"joined":["Ben"],"tags":["printing"],"page":"/","page_url":"https://library.example/","page_title":"Start","opened":1,"since":1,"claimed":1,"ended":1,"gone":true,"received":1,"shown":1,"offer_to":"Ben","ticket":57,"pending":true,"held":"!colse","lines":1,"commands":[{"name":"close","label":"Close a chat"}]},"lines":[{"n":1,"seq":7,"at":1,"from":"staff","by":"Ana","mine":true,"note":true,"id":"m1","text":"Yes.","redacted":true}]},
  {"type":"head","chat":42,"head":{"chat":42,"who":"Mia","email":"mia@example.org","department":"Reference","state":"claimed","owner":"Ana","mine":true,"writable":true,"joined":["Ben"],"tags":["printing"],"page":"/","page_url":"https://library.example/","page_title":"Start","opened":1,"since":1,"claimed":1,"ended":1,"gone":true,"received":1,"shown":1,"offer_to":"Ben","ticket":57,"pending":true,"held":"!colse","lines":1,"commands":[{"name":"close","label":"Close a chat"}]}},
  {"type":"gone","chat":42,"text":"Not here."},
  {"type":"line","seq":7,"chat":42,"line":{"n":1,"seq":7,"at":1,"from":"staff","by":"Ana","mine":true,"note":true,"id":"m1","text":"Yes.","redacted":true}},
  {"type":"seen","seq":7,"chat":42,"shown":true},
  {"type":"ring","seq":7,"chat":42,"text":"42 Mia"},
  {"type":"answered","seq":7,"chat":42,"by":"Ben"},
  {"type":"message","seq":7,"text":"Coffee?","by":"Ben","from":"ben"},
  {"type":"told","seq":7,"chat":42,"text":"Ben has joined 42."},
  {"type":"typing","chat":42,"on":true},
  {"type":"typing","chat":42},
  {"type":"form","id":"form-0001","chat":42,"form":{"command":"tag","title":"Tag","instructions":"Tags it.","fields":[{"var":"tags","label":"Tags","type":"list-multi","values":["a"],"options":[{"label":"A","value":"a","on":true}],"required":true}]}},
  {"type":"answer","id":"say-00001","chat":42,"answer":{"command":"note","posted":true,"note":true,"held":true,"refused":"conflict","text":"x","chat":42,"seq":7,"line":1}},
  {"type":"error","id":"say-00001","text":"Wait.","code":"throttled","retry_after":1},
  {"type":"pong"},
];
