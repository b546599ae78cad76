// Keys for a listing's pictures, terms that close on Escape, and a page that looks again while a capture is made.
"use strict";

(() => {
  const isWriting = (target) => target.matches("textarea, select, input");
  const panes = [...document.querySelectorAll("[data-pane]")];
  const letterOf = (event) => {
    const key = event.key.toLowerCase();
    if (/^[a-z]$/.test(key)) return key;
    const placed = event.shiftKey ? null : /^Key([A-Z])$/.exec(event.code);
    return placed ? placed[1].toLowerCase() : key === "=" ? "+" : key === "\u0661" ? "1" : key;
  };

  // Both pictures move together, by their share: they may be of different sizes.
  let moving = null;
  const follow = (event) => {
    if (moving && moving !== event.target) return;
    moving = event.target;
    const from = event.target;
    for (const pane of panes) {
      if (pane === from) continue;
      pane.scrollTop = (from.scrollTop / Math.max(1, from.scrollHeight - from.clientHeight)) * (pane.scrollHeight - pane.clientHeight);
      pane.scrollLeft = (from.scrollLeft / Math.max(1, from.scrollWidth - from.clientWidth)) * (pane.scrollWidth - pane.clientWidth);
    }
    clearTimeout(follow.rest);
    follow.rest = setTimeout(() => { moving = null; }, 120);
  };
  const middle = (pane) => pane.scrollTo((pane.scrollWidth - pane.clientWidth) / 2, (pane.scrollHeight - pane.clientHeight) / 2);
  panes.forEach((pane) => {
    middle(pane);
    pane.addEventListener("scroll", follow);
  });

  const steps = { arrowup: [0, -1], arrowdown: [0, 1], arrowleft: [-1, 0], arrowright: [1, 0] };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const term = document.activeElement.closest(".gloss") || document.querySelector(".gloss:hover");
      if (term) term.classList.add("told");
      return;
    }
    if (event.altKey || event.metaKey || event.ctrlKey || isWriting(event.target)) return;
    const key = letterOf(event);
    const step = steps[key];
    if (step && panes.length && panes.some((pane) => pane.scrollHeight > pane.clientHeight || pane.scrollWidth > pane.clientWidth)) {
      event.preventDefault();
      panes[0].scrollBy(step[0] * 80, step[1] * 80);
      return;
    }
    const link = [...document.querySelectorAll("a[data-viewer]")].find((one) => one.dataset.viewer === key)
      || (key === "p" ? document.querySelector("a[data-key=p]") : null);
    if (link) link.click();
  });
  for (const term of document.querySelectorAll(".gloss")) {
    const again = () => term.classList.remove("told");
    term.addEventListener("mouseleave", again);
    term.addEventListener("blur", again);
  }

  // Without script the page has a link for this. Nobody loses what they began to write, or the place their keys reached.
  if (document.querySelector("[data-pending]")) {
    let touched = false;
    for (const act of ["input", "keydown", "focusin"]) document.addEventListener(act, () => { touched = true; });
    setInterval(() => {
      if (!touched && !document.hidden) location.reload();
    }, 5000);
  }
})();
