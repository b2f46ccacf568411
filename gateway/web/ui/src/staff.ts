// SPDX-License-Identifier: Apache-2.0

// Small things that make the staff's pages quicker. Each page works without them.

// Asks once more before what can't be taken back.
for (const button of document.querySelectorAll<HTMLElement>("[data-sure]")) {
  button.addEventListener("click", (e) => {
    if (!confirm(button.dataset["sure"])) e.preventDefault();
  });
}

// One box for all boxes of a list.
for (const all of document.querySelectorAll<HTMLInputElement>("input[data-all]")) {
  const boxes = [...document.querySelectorAll<HTMLInputElement>(`input[name="${all.dataset["all"]}"]`)];
  all.hidden = boxes.length === 0;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  document.addEventListener("change", () => {
    const on = boxes.filter((box) => box.checked).length;
    all.checked = on > 0 && on === boxes.length;
    all.indeterminate = on > 0 && on < boxes.length;
  });
}

// Copies what stands in an element, where the browser can. The button says that it has, for a while.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) {
    const from = document.getElementById(button.dataset["copy"] ?? "");
    const label = button.textContent ?? "";
    button.hidden = from === null;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => {
      void navigator.clipboard.writeText(from?.textContent ?? "").then(() => {
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = label), 2000);
      });
    });
  }
}

// A form that was refused comes back with a sentence: whoever reads by ear or zooms in is led to it.
document.getElementById("wrong")?.focus();

export {};
