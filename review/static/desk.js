// Keys for the desk; every page works without this file.
"use strict";

(() => {
  // On the queue it comes and goes with the card that is decided on.
  const decision = () => document.getElementById("decision");

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

  const choose = (form, input) => {
    input.checked = true;
    input.focus();
    if (input.name === "verdict") suggest(form, input.value);
    if (input.name === "next_step" && input.value !== "dismiss") form.elements.reason.value = "";
  };

  const suggest = (form, verdict) => {
    const next = afterVerdict[verdict];
    form.elements.next_step.value = next.step;
    form.elements.reason.value = next.reason;
  };

  // A reason is one of a dismissal.
  const giveReason = (form, option) => {
    option.selected = true;
    form.elements.next_step.value = "dismiss";
  };

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.isComposing) return;
    const form = decision();
    if (event.key === "Enter" && event.ctrlKey && form) {
      form.requestSubmit();
      return;
    }
    if (event.ctrlKey || isWriting(event.target)) return;
    const key = keyOf(event);
    if (key === "?" || event.key === "\u061f") {
      showKeys();
      return;
    }
    if (document.querySelector("#keys:popover-open")) return; // what lies under the help is not acted on
    const link = key === "j" || key === "k" ? document.querySelector(`a[data-key="${key}"]`) : null;
    const button = { z: "button[data-undo]", m: "button[data-give]" }[key];
    const pressed = link || (button && document.querySelector(button));
    if (pressed) {
      pressed.click();
      return;
    }
    if (moveAmongHits(key) || !form) return;
    if (key === "enter" && !event.target.closest("a, button, summary") && (event.target.form ?? form) === form) {
      event.preventDefault();
      form.requestSubmit();
    } else if (key === "n" && form.elements.note) {
      event.preventDefault();
      form.elements.note.focus();
    } else if (/^[a-z]$/.test(key)) {
      const input = form.querySelector(`input[data-key="${key}"]`);
      if (input) choose(form, input);
    } else if (/^[1-9]$/.test(key)) {
      const option = form.querySelector(`option[data-key="${key}"]`);
      if (option) giveReason(form, option);
    }
  });

  const showKeys = () => {
    const help = document.getElementById("keys");
    if (help?.togglePopover()) help.querySelector("button").focus();
  };

  // On a phone the rooms stand in one line: the one that is open is brought into it.
  const here = document.querySelector(".top nav [aria-current]");
  if (here && here.parentElement.scrollWidth > here.parentElement.clientWidth) here.scrollIntoView({ block: "nearest", inline: "center" });

  // From the hit that has the focus, or in whose card or row it is, to the next or the one before.
  const moveAmongHits = (key) => {
    const hits = [...document.querySelectorAll("a[data-hit]")];
    if (!hits.length || (key !== "j" && key !== "k")) return false;
    const at = hits.findIndex((hit) => hit.closest("li, tr").contains(document.activeElement));
    const ended = key === "j" ? at === hits.length - 1 : at === 0;
    const page = ended && document.querySelector(`.pager a[rel=${key === "j" ? "next" : "prev"}]`);
    if (page) {
      page.click();
      return true;
    }
    const next = hits[key === "j" ? Math.min(at + 1, hits.length - 1) : Math.max(at - 1, 0)];
    const fold = next.closest("details");
    if (fold) fold.open = true;
    next.focus();
    return true;
  };
})();
