// Notes on a decision that were begun and not yet kept outlast what is done meanwhile: other cards, other pages. They stay
// in this tab and go with their owner. The desk works without this file.
"use strict";

(() => {
  const OWNER = "notes of";
  const SENT = "note sent";
  const BEGUN = /^\/listings\/(\d+)\/decision$/;

  const begun = () => Object.keys(sessionStorage).filter((name) => BEGUN.test(name));
  const nameOf = (form) => {
    const action = form?.id === "decision" ? form.getAttribute("action") : "";
    return BEGUN.test(action) ? action : null;
  };
  const forget = (names) => names.forEach((name) => sessionStorage.removeItem(name));

  const putBack = (form) => {
    const kept = nameOf(form) && sessionStorage.getItem(nameOf(form));
    if (kept && !form.elements.note.value) form.elements.note.value = kept;
  };

  // On each card with a note that is not kept, unless it is being written there.
  const mark = () => {
    const sign = document.getElementById("note-begun");
    if (!sign) return;
    for (const old of document.querySelectorAll(".note-begun")) old.remove();
    for (const name of begun()) {
      const card = document.getElementById(`hit-${BEGUN.exec(name)[1]}`)?.closest("li.hit");
      if (card && !card.querySelector("#decision")) card.querySelector(".why").append(sign.content.cloneNode(true));
    }
  };

  document.addEventListener("input", (event) => {
    const name = event.target.name === "note" && nameOf(event.target.form);
    if (!name) return;
    if (event.target.value) sessionStorage.setItem(name, event.target.value);
    else forget([name]);
    if (sessionStorage.getItem(SENT) === name) forget([SENT]);
  });

  document.addEventListener("submit", (event) => {
    const name = nameOf(event.target);
    if (name) sessionStorage.setItem(SENT, name);
    if (event.target.getAttribute("action") === "/sign-out") forget([...begun(), SENT]);
  });

  document.addEventListener("decision:opened", (event) => {
    putBack(event.target);
    mark();
  });
  document.addEventListener("decision:dropped", (event) => {
    forget([nameOf(event.detail)]);
    mark();
  });

  const owner = document.querySelector("[data-user]")?.dataset.user;
  if (owner && sessionStorage.getItem(OWNER) !== owner) {
    forget([...begun(), SENT]);
    sessionStorage.setItem(OWNER, owner);
  }
  const sent = sessionStorage.getItem(SENT);
  const kept = document.querySelector("[data-kept]")?.dataset.kept;
  if (kept && sent === `/listings/${kept}/decision`) forget([sent]);
  if (owner) {
    forget([SENT]); // if it was refused, its note is still one that was begun
    putBack(document.getElementById("decision"));
  }
  mark();
})();
