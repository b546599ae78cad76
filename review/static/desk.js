// Keys for the desk; every page works without this file.
"use strict";

(() => {
  const form = document.getElementById("decision");

  const isWriting = (target) => target.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");

  // What most people mean next after these verdicts; it is shown and can be changed before it is kept.
  const afterVerdict = {
    antiquity: { step: "refer", reason: "" },
    replica: { step: "dismiss", reason: "replica" },
    other: { step: "dismiss", reason: "wrong_type" },
    unsure: { step: "ask_expert", reason: "" },
  };

  // The letter or digit that the key bears on a Latin keyboard, where the layout in use gives another character: Arabic
  // letters and digits, or the signs of the French top row.
  const keyOf = (event) => {
    const key = event.key.toLowerCase();
    if (key.length !== 1 || /^[a-z0-9]$/.test(key)) return key;
    const placed = event.shiftKey ? null : /^(?:Key([A-Z])|Digit([0-9]))$/.exec(event.code);
    return placed ? (placed[1] || placed[2]).toLowerCase() : key;
  };

  const choose = (input) => {
    input.checked = true;
    input.focus();
    if (input.name === "verdict") suggest(input.value);
    if (input.name === "next_step" && input.value !== "dismiss") form.elements.reason.value = "";
  };

  const suggest = (verdict) => {
    const next = afterVerdict[verdict];
    form.elements.next_step.value = next.step;
    form.elements.reason.value = next.reason;
  };

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.isComposing) return;
    if (event.key === "Enter" && event.ctrlKey && form) {
      form.requestSubmit();
      return;
    }
    if (event.ctrlKey || isWriting(event.target)) return;
    const key = keyOf(event);
    const link = key === "j" || key === "k" ? document.querySelector(`a[data-key="${key}"]`) : null;
    if (link) {
      link.click();
      return;
    }
    if (key === "?" || event.key === "\u061f") {
      showKeys();
      return;
    }
    const kept = key === "z" ? document.querySelector("a[data-kept]") : null;
    if (kept) {
      kept.click();
      return;
    }
    if (moveInQueue(key) || !form) return;
    if (key === "enter" && !event.target.closest("a, button, summary")) {
      event.preventDefault();
      form.requestSubmit();
    } else if (key === "n" && form.elements.note) {
      event.preventDefault();
      form.elements.note.focus();
    } else if (/^[a-z]$/.test(key)) {
      const input = form.querySelector(`input[data-key="${key}"]`);
      if (input) choose(input);
    } else if (/^[1-9]$/.test(key)) {
      const option = form.querySelector(`option[data-key="${key}"]`);
      if (option) option.selected = true;
    }
  });

  const showKeys = () => {
    const help = document.getElementById("keys");
    if (!help) return;
    help.open = !help.open;
    if (help.open) help.querySelector("summary").focus();
  };

  const moveInQueue = (key) => {
    const hits = [...document.querySelectorAll("a[data-hit]")];
    if (!hits.length || (key !== "j" && key !== "k")) return false;
    const at = hits.indexOf(document.activeElement);
    const next = key === "j" ? Math.min(at + 1, hits.length - 1) : Math.max(at - 1, 0);
    hits[next].focus();
    return true;
  };
})();
