// Draws the whole marketplace from its JSON: nothing of an offer is in the page that the server sends.
"use strict";

const app = document.getElementById("app");
const WORDS = {
  en: { seller: "Seller", place: "Location", number: "Item no." },
  fr: { seller: "Vendeur", place: "Lieu", number: "Annonce n°" },
  ar: { seller: "البائع", place: "المكان", number: "إعلان رقم" },
};

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const nearby = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    const image = entry.target;
    nearby.unobserve(image);
    image.srcset = image.dataset.srcset;
    image.src = image.dataset.src;
  }
}, { rootMargin: "300px" });

function photo(picture, alt, sizes, isLazy) {
  const attributes = { alt, sizes, width: "800", height: "600" };
  if (!isLazy) return make("img", { ...attributes, srcset: picture.srcset, src: picture.small });
  const image = make("img", { ...attributes, "data-srcset": picture.srcset, "data-src": picture.small });
  nearby.observe(image);
  return image;
}

function frame(query, ...content) {
  const input = make("input", {
    type: "search", name: "q", value: query, dir: "auto", placeholder: "What are you looking for?", "aria-label": "Search",
  });
  app.replaceChildren(
    make("div", { class: "top", lang: "en", dir: "ltr" },
      make("a", { class: "brand", href: "/marketplace/" }, "SecondHandLand"),
      make("form", { action: "/marketplace/search", role: "search" }, input, make("button", {}, "Search")),
      make("a", { href: "/marketplace/terms" }, "Terms")),
    make("main", {}, ...content));
}

function card(item, index) {
  return make("a", { class: "card", href: item.href, lang: item.language, dir: item.direction },
    photo(item.picture, "", "220px", index > 7),
    make("div", {},
      make("span", { class: "price" }, item.price),
      make("span", { class: "name", dir: "auto" }, item.title),
      make("span", { class: "quiet" }, item.location)));
}

function pageHref(page) {
  const address = new URL(location.href);
  address.searchParams.set("page", page);
  return address.pathname + address.search;
}

async function showList(seller) {
  const asked = new URLSearchParams(location.search);
  const query = asked.get("q") ?? "";
  const wanted = new URLSearchParams({ q: query, page: asked.get("page") ?? "1" });
  if (seller) wanted.set("seller", seller);
  const found = await (await fetch(`/marketplace/api/search?${wanted}`)).json();
  const pages = make("nav", { class: "pages", "aria-label": "Pages" });
  if (found.page > 1) pages.append(make("a", { rel: "prev", href: pageHref(found.page - 1) }, "Previous"));
  if (found.next) pages.append(make("a", { rel: "next", href: pageHref(found.next) }, "Next"));
  const heading = found.seller ?? (query && query !== "*" ? `Results for “${query}”` : "Fresh offers");
  document.title = `${heading} · DEMO marketplace`;
  frame(query,
    make("h1", { dir: "auto" }, heading),
    make("p", { class: "quiet" }, found.count === 1 ? "1 item" : `${found.count} items`),
    make("div", { class: "cards" }, ...found.items.map(card)),
    pages);
}

async function showItem(reference) {
  const answer = await fetch(`/marketplace/api/item/${reference}`);
  const item = await answer.json();
  if (!answer.ok) {
    document.title = "Not found · DEMO marketplace";
    frame("", make("h1", {}, "Not found"), make("p", {}, item.error));
    return;
  }
  const words = WORDS[item.language];
  document.title = `${item.title} · DEMO marketplace`;
  document.documentElement.lang = item.language;
  document.documentElement.dir = item.direction;
  const gallery = item.pictures.map((picture, index) =>
    make("a", { href: picture.large },
      photo(picture, `${item.title} (${index + 1})`, index ? "300px" : "(max-width: 700px) 92vw, 620px", index > 0)));
  frame("",
    make("article", { class: "item", "data-id": item.id },
      make("div", { class: "gallery" }, ...gallery),
      make("div", {},
        make("h1", { dir: "auto" }, item.title),
        make("p", { class: "price", "data-amount": item.amount, "data-currency": item.currency }, item.price),
        make("p", { class: "seller" }, `${words.seller}: `, make("a", { href: item.seller_href, dir: "auto" }, item.seller)),
        make("p", {}, `${words.place}: `, make("span", { class: "location" }, item.location)),
        make("p", { class: "quiet" }, `${words.number} ${item.id}`),
        make("p", { class: "description", dir: "auto" }, item.description))));
}

const [, , section, reference] = location.pathname.split("/");
const shown = section === "item" ? showItem(reference) : showList(section === "seller" ? reference : null);
shown.catch((error) => {
  frame("", make("h1", {}, "Out of reach"), make("p", {}, "The offers could not be fetched. Load the page again."));
  throw error;
});
