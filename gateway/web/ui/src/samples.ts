// SPDX-License-Identifier: Apache-2.0

// Written by TestSamples of gateway/web/widget: one sample of everything that the server sends. tsc compares them
// with the types; nothing else reads this file.

import type { Asked, Department, Down, Event, Events, FAQs, Opened, Problem, Standing } from "./wire";

export const departments: Department[] = [
  {"id":"reference","name":"Reference","state":"online","waiting":2,"wait_seconds":180,"fields":[{"name":"faculty","label":"Faculty","choices":["Arts","Law"],"required":true},{"name":"card","label":"Library card"}]},
  {"id":"digital","name":"Digital Learning","state":"closed","next_open":"2026-09-07T11:00:00Z","waiting":0},
];

export const opened: Opened[] = [
  {"chat":"12","seq":7,"epoch":1,"nodes":["https://n1.desk.example"]},
];

export const standing: Standing[] = [
  {"chat":"12","department":"reference","state":"waiting","place":1,"wait_seconds":300,"contact_until":"2026-09-07T11:00:00Z","opened":"2026-09-07T10:00:00Z","now":"2026-09-07T11:00:00Z","seq":7,"epoch":1},
  {"chat":"12","department":"reference","state":"claimed","by":"Ana","opened":"2026-09-07T10:00:00Z","now":"2026-09-07T11:00:00Z","seq":7,"epoch":1},
  {"chat":"12","department":"reference","state":"missed","opened":"2026-09-07T10:00:00Z","now":"2026-09-07T11:00:00Z","seq":7,"epoch":1},
  {"chat":"12","department":"reference","state":"closed","by":"Ana","ticket":57,"opened":"2026-09-07T10:00:00Z","now":"2026-09-07T11:00:00Z","writable_until":"2026-09-07T11:00:00Z","seq":7,"epoch":1},
];

export const asked: Asked[] = [
  {"ticket":"57"},
];

export const faqs: FAQs[] = [
  {"answers":[{"slug":"maps","question":"Have you maps?","snippet":"We do.","score":0.5}],"good":true},
  {"answers":[],"good":false},
];

export const events: Event[] = [
  {"seq":1,"at":"2026-09-07T10:00:00Z","kind":"waiting","place":2},
  {"seq":2,"at":"2026-09-07T10:00:00Z","kind":"waiting"},
  {"seq":3,"at":"2026-09-07T10:00:00Z","kind":"message","from":"patron","id":"m1","text":"Do you have maps? 😀"},
  {"seq":4,"at":"2026-09-07T10:00:00Z","kind":"claimed","by":"Ana"},
  {"seq":5,"at":"2026-09-07T10:00:00Z","kind":"message","from":"staff","by":"Ana","text":"Do you have maps? 😀"},
  {"seq":6,"at":"2026-09-07T10:00:00Z","kind":"message","from":"system","text":"Do you have maps? 😀"},
  {"seq":7,"at":"2026-09-07T10:00:00Z","kind":"joined","by":"Ben"},
  {"seq":8,"at":"2026-09-07T10:00:00Z","kind":"left","by":"Ben"},
  {"seq":9,"at":"2026-09-07T10:00:00Z","kind":"wait","text":"Do you have maps? 😀","minutes":3},
  {"seq":10,"at":"2026-09-07T10:00:00Z","kind":"wait","text":"Do you have maps? 😀","late":true},
  {"seq":11,"at":"2026-09-07T10:00:00Z","kind":"edited","text":"Do you have maps? 😀","of":3},
  {"seq":12,"at":"2026-09-07T10:00:00Z","kind":"retracted","of":3},
  {"seq":13,"at":"2026-09-07T10:00:00Z","kind":"still","until":"2026-09-07T10:02:00Z"},
  {"seq":14,"at":"2026-09-07T10:00:00Z","kind":"here"},
  {"seq":15,"at":"2026-09-07T10:00:00Z","kind":"contact_wanted"},
  {"seq":16,"at":"2026-09-07T10:00:00Z","kind":"contact_lapsed"},
  {"seq":17,"at":"2026-09-07T10:00:00Z","kind":"ticket","number":57},
  {"seq":18,"at":"2026-09-07T10:00:00Z","kind":"rated","score":5},
  {"seq":19,"at":"2026-09-07T10:00:00Z","kind":"reconnecting"},
  {"seq":20,"at":"2026-09-07T10:00:00Z","kind":"transferred","by":"Ana","department":"Digital Learning"},
  {"seq":21,"at":"2026-09-07T10:00:00Z","kind":"missed"},
  {"seq":22,"at":"2026-09-07T10:00:00Z","kind":"closed","by":"Ana","writable_until":"2026-09-07T10:02:00Z"},
  {"seq":23,"at":"2026-09-07T10:00:00Z","kind":"closed","writable_until":"2026-09-07T10:02:00Z"},
  {"seq":24,"at":"2026-09-07T10:00:00Z","kind":"reopened","by":"Ana"},
  {"seq":25,"at":"2026-09-07T10:00:00Z","kind":"reopened"},
];

export const polls: Events[] = [
  {"epoch":1,"events":[{"seq":1,"at":"2026-09-07T10:00:00Z","kind":"waiting","place":2}]},
  {"epoch":2,"events":[],"reset":true},
];

export const frames: Down[] = [
  {"type":"ready","epoch":1,"seq":7},
  {"type":"ack","seq":7,"id":"m1"},
  {"type":"event","seq":7,"event":{"seq":3,"at":"2026-09-07T10:00:00Z","kind":"message","from":"patron","id":"m1","text":"Do you have maps? 😀"}},
  {"type":"typing","on":true},
  {"type":"error","id":"m2","code":"throttled","message":"Later.","retry_after":1},
  {"type":"error","code":"bad-request","message":"There is no such frame."},
  {"type":"pong"},
  {"type":"reset"},
];

export const problems: Problem[] = [
  {"status":409,"code":"department-closed","title":"Conflict","detail":"Nobody answers chats here at the moment.","next_open":"2026-09-07T11:00:00Z","form":"/chat/digital"},
  {"status":422,"code":"invalid","title":"Unprocessable Entity","detail":"The field is malformed.","field":"email"},
];
