// The queue: choosing cards by key, the group's fold, and the word that new hits have come. It works without this file.
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

  const boxOfFocus = () => document.activeElement.closest("li.hit")?.querySelector("input[name=chosen]");

  document.addEventListener("change", (event) => {
    if (event.target.id === "choose-all") for (const box of boxes) box.checked = event.target.checked;
    count();
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || !group) return;
    if (event.target.matches("textarea, select, input:not([type=checkbox])")) return;
    const latin = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : /^Key([A-Z])$/.exec(event.code)?.[1].toLowerCase();
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

  if (news) setInterval(() => look().catch(() => {}), POLL_SECONDS * 1000);
  count();
})();
