// SPDX-License-Identifier: Apache-2.0

// A command's form in a dialog. The questions are the console's (XEP-0004), so that an XMPP client asks the same.

import { $, make } from "./dom";
import type { Field, Form, Values } from "./boardwire";

let count = 0;

/** Shows a form and resolves with what was filled in, or with null if it was left. */
export function fill(form: Form): Promise<Values | null> {
  const dialog = $<HTMLDialogElement>("form");
  const body = make("form");
  body.method = "dialog";
  const title = make("h2", "", form.title);
  title.id = "form-title";
  body.append(title);
  if (form.instructions) body.append(make("p", "hint", form.instructions));
  const reads = form.fields.map((f) => {
    const [element, read] = asked(f);
    body.append(element);
    return [f.var, read] as const;
  });
  const row = make("div", "row end");
  const no = make("button", "quiet", "Cancel");
  no.type = "button";
  const yes = make("button", "main", form.title);
  yes.type = "submit";
  row.append(no, yes);
  body.append(row);
  dialog.replaceChildren(body);
  return new Promise((resolve) => {
    let values: Values | null = null;
    no.addEventListener("click", () => dialog.close());
    body.addEventListener("submit", (e) => {
      e.preventDefault();
      values = Object.fromEntries(reads.map(([name, read]) => [name, read()]));
      dialog.close();
    });
    dialog.addEventListener("close", () => (dialog.replaceChildren(), resolve(values)), { once: true });
    dialog.showModal();
  });
}

/** One question: its element, and what reads the answer. */
function asked(f: Field): [HTMLElement, () => string[]] {
  const id = "field-" + ++count;
  const box = make("div", "field");
  switch (f.type) {
    case "hidden":
      box.hidden = true;
      return [box, () => f.values];
    case "fixed":
      box.append(make("p", "fixed", f.values.join("\n")));
      return [box, () => f.values];
    case "list-multi":
      return choices(f);
    case "boolean": {
      const input = make("input");
      input.type = "checkbox";
      input.id = id;
      input.checked = f.values[0] === "1" || f.values[0] === "true";
      const label = make("label", "check");
      label.append(input, " ", f.label);
      box.append(label);
      return [box, () => [input.checked ? "1" : "0"]];
    }
  }
  const label = make("label", "", f.label);
  label.htmlFor = id;
  box.append(label);
  if (f.type === "list-single") {
    const select = make("select");
    select.id = id;
    select.required = f.required;
    if (!f.required || f.values.length === 0) select.append(new Option("", ""));
    for (const o of f.options) select.append(new Option(o.label, o.value, o.on, o.on));
    box.append(select);
    return [box, () => (select.value ? [select.value] : [])];
  }
  const input = f.type === "text-multi" ? make("textarea") : make("input");
  input.id = id;
  input.required = f.required;
  input.dir = "auto";
  input.value = f.values.join("\n");
  if (input instanceof HTMLTextAreaElement) input.rows = 4;
  box.append(input);
  return [box, () => (input.value ? [input.value] : [])];
}

function choices(f: Field): [HTMLElement, () => string[]] {
  const set = make("fieldset", "field choices");
  set.append(make("legend", "", f.label));
  const inputs = f.options.map((o) => {
    const label = make("label", "check");
    const input = make("input");
    input.type = "checkbox";
    input.value = o.value;
    input.checked = o.on;
    label.append(input, " ", o.label);
    set.append(label);
    return input;
  });
  const check = () => inputs[0]?.setCustomValidity(f.required && !inputs.some((i) => i.checked) ? "Choose at least one." : "");
  set.addEventListener("change", check);
  check();
  return [set, () => inputs.filter((i) => i.checked).map((i) => i.value)];
}
