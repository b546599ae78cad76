// The queue: deciding on a card by key, choosing cards, the group's fold, and the word that new hits have come. It works
// without this file.
"use strict";

(() => {
  const group = document.getElementById("group");
  const news = document.getElementById("new-hits");
  const boxes = [...document.querySelectorAll("input[name=chosen]")];
  const POLL_SECONDS = 30;

  const count = () => {
    if (!group) return;
    const chosen = boxes.filter((box) => box.checked).length;
    group.querySelector("[data-count]").textContent = chosen ? String(chosen) : "";
  };

  const cardOfFocus = () => document.activeElement.closest("li.hit");
  const boxOfFocus = () => cardOfFocus()?.querySelector("input[name=chosen]");
  const latinOf = (event) =>
    /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase();

  // One form, laid out anew on the card that has the focus; it says what stood on that card when the page was made.
  const formOnCard = (card) => {
    document.getElementById("decision")?.remove();
    const form = document.getElementById("card-decision").content.firstElementChild.cloneNode(true);
    const [listing, observation, assessment, decided] = card.querySelector("input[name=chosen]").value.split(".");
    form.action = `/listings/${listing}/decision`;
    form.elements.observation.value = observation;
    form.elements.assessment.value = assessment;
    form.elements.expected_decision.value = decided;
    form.elements.request_key.value += `:${listing}`;
    card.append(form);
    form.dispatchEvent(new Event("decision:opened", { bubbles: true }));
    form.scrollIntoView({ block: "nearest" });
  };

  // Before desk.js hears the key: it fills in whatever form of a decision there is.
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || event.shiftKey) return;
    const card = cardOfFocus();
    const open = document.getElementById("decision");
    if (event.key === "Escape" && open && !document.querySelector("#keys:popover-open")) {
      const hit = open.closest("li.hit").querySelector("a[data-hit]");
      open.remove();
      hit.focus();
      document.dispatchEvent(new CustomEvent("decision:dropped", { detail: open }));
    } else if (group && card && !card.contains(open) && "aroufexdn".includes(latinOf(event) ?? " ")) {
      formOnCard(card);
    }
  }, true);

  document.addEventListener("change", (event) => {
    if (event.target.id === "choose-all") for (const box of boxes) box.checked = event.target.checked;
    count();
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || !group) return;
    if (event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])")) return;
    if (document.querySelector("#keys:popover-open")) return;
    const latin = latinOf(event);
    if (latin === "c") {
      const box = boxOfFocus();
      if (box) box.click();
    } else if (latin === "g") {
      group.open = true;
      group.querySelector("summary").focus();
    } else if (latin === "m") {
      const box = boxOfFocus();
      if (box && !boxes.some((one) => one.checked)) box.checked = true;
      const mine = group.querySelector("button[data-mine]");
      if (mine && boxes.some((one) => one.checked)) mine.click();
    }
  });

  const look = async () => {
    if (document.hidden) return;
    const answer = await fetch(news.dataset.address, { headers: { accept: "application/json" } });
    if (!answer.ok || answer.redirected) return;
    const said = await answer.json();
    news.hidden = said.count === 0;
    if (said.count) news.querySelector("a").textContent = said.text;
  };

  const all = document.getElementById("choose-all");
  if (all) all.closest("label").hidden = false;
  if (news) setInterval(() => look().catch(() => {}), POLL_SECONDS * 1000);
  count();
})();
