"""One title out of several that disagree: site names, prices and places hang on them in many ways.

Every wording that the sources offer is weighed by its source and by how many others contain it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from crawler.extraction.text import folded

_RULE = 50.0
_STANDING_HEADING = 2.2
"""A heading that also stands in the title tag, in Open Graph or in JSON-LD is what the page calls the thing."""
_WEIGHT = {
    "rule": 100.0,
    "json-ld": 3.0,
    "microdata": 2.6,
    "state": 2.2,
    "visible:h1": 2.4,
    "visible": 1.6,
    "opengraph": 1.3,
    "visible:title": 1.0,
}
_MARK = re.compile("[|｜·•»›:–—-]")
"""What every separator holds: most titles hold none."""
_NO_WORD = re.compile(r"\W")
_SEPARATOR = re.compile(r"\s+[|·•»›:–—-]+\s+|\s*[|｜]\s*|\s+::\s+|\s*[»›]\s+")
_PRICE_TAIL = re.compile(
    r"\s+[-–—|,:]\s*(?:[$€£¥]|[A-Z]{3}\s?)\s?[\d.,]+(?:\s?[€$])?\s*(?:/[^()]{0,40})?(?:\(([^()]{2,60})\))?\s*\Z"
)
_PRICE_HEAD = re.compile(r"\A\s*[$€£¥]\s?[\d.,]+\s*(?:/\s*\w{1,6}\s*)?(?:-\s*\d+\s?ft²?\s*)?[-–—|]\s*")
_PRICE_MARK = re.compile(r"[$€£¥]|[-–—|,:]\s*[A-Z]{3}")
"""Without one of these neither of the two matches."""
_PLACE_TAIL = re.compile(r"\s*\(([^()\d$€£]{3,60})\)\s*\Z")


def choose_title(offered: list[tuple[str, str]], site_names: list[str]) -> tuple[str, str] | None:
    """The best wording and its source, or None where none is offered."""
    trimmed_of = {title: trim_price(trim_site(title, site_names)) for title in {title for title, _ in offered}}
    key_of = {text: folded(text) for text in {*trimmed_of, *trimmed_of.values()}}
    wordings: dict[str, tuple[str, str, float]] = {}
    families: dict[str, set[str]] = {}
    for title, source in offered:
        weight = _weight(source)
        trimmed = trimmed_of[title] if weight < _RULE else title
        for text, part in ((title, 0.6 if trimmed != title else 1.0), (trimmed, 1.0)):
            key = key_of[text]
            families.setdefault(key, set()).add(_family(source))
            if key not in wordings or wordings[key][2] < weight * part:
                wordings[key] = (text, source, weight * part)
    contained = {key: {_family(s) for t, s in offered if key in key_of[t]} for key in wordings}
    best: tuple[float, str, str] | None = None
    for key, (text, source, weight) in wordings.items():
        score = (
            weight
            + 0.6 * len(contained[key] - {_family(source)})
            + 0.4 * (len(families[key]) - 1)
            - (1.5 if len(key) < 4 else 0)
        )
        if (
            "heading" in families[key]
            and contained[key] & {"opengraph", "title", "json-ld"}
            and not _fragment(key, wordings)
        ):
            score += _STANDING_HEADING
        if best is None or score > best[0]:
            best = (score, text, source)
    return (best[1], best[2]) if best else None


_LOT_OF_SALE = re.compile(
    r"(?:\A|[\s,:|-])(?:lot|los|lote|lotto|kavel|лот|לוט|auction|auktion|sale|vente|e-sale|asta|subasta|veiling)\s*"
    r"(?:no\.?|nr\.?|n°|#|№)?\s*\d+",
    re.I,
)
_LEAST_NAME, _LEAST_SENTENCE, _LONGEST_SENTENCE = 4, 30, 150


def named_by_text(chosen: tuple[str, str], description: str) -> tuple[str, str]:
    """The description's first words in place of a title that names a lot of a sale and nothing of the thing itself."""
    title, _ = chosen
    rest, numbers = _LOT_OF_SALE.subn("", title)
    if len(description) < _LEAST_SENTENCE or not (
        numbers > 1 or (numbers and len(rest.strip(" #:.,-–|")) < _LEAST_NAME)
    ):
        return chosen
    words = set(re.findall(r"[^\W\d_]{4,}", folded(title)))
    if words & set(re.findall(r"[^\W\d_]{4,}", folded(description[:1_000]))):
        return chosen
    first = description.split("\n", 1)[0]
    end = next((m.end() for m in re.finditer(r"[.;](?=\s)", first) if m.end() >= _LEAST_SENTENCE), len(first))
    return first[: min(end, _LONGEST_SENTENCE)].strip(" ;"), "visible:first words of the description"


def _fragment(key: str, wordings: dict[str, tuple[str, str, float]]) -> bool:
    """Whether a wording is a small part of what the structured data call the thing ("Casio" of "Casio PRW-3100")."""
    return any(
        source.startswith(("json-ld", "microdata", "state")) and key in other and len(key) < 0.6 * len(other)
        for other, (_, source, _) in wordings.items()
    )


@lru_cache(maxsize=512)
def _family(source: str) -> str:
    """Sources that read the same words: a microdata name is most often the heading itself."""
    if source.startswith("microdata") or re.match(r"visible:h\d", source):
        return "heading"
    return "title" if source == "visible:title" else source.split(":", 1)[0]


@lru_cache(maxsize=512)
def _weight(source: str) -> float:
    whole = ":".join(source.split(":")[:2])
    return _WEIGHT.get(whole) or _WEIGHT.get(source.split(":", 1)[0], 1.0)


def trim_site(title: str, site_names: list[str]) -> str:
    """The title without the site's name at its end or start ("Vase | House" -> "Vase")."""
    if not _MARK.search(title):
        return title.strip()
    names = _folded_names(tuple(site_names))
    plain = _letters(folded(title))
    if not any(letters in plain for _, letters in names):
        return title.strip()
    for _ in range(4):
        marks = list(_SEPARATOR.finditer(title))
        if not marks:
            break
        head, tail = title[: marks[-1].start()], title[marks[-1].end() :]
        first, rest = title[: marks[0].start()], title[marks[0].end() :]
        if head and _names_site(tail, names):
            title = head
        elif rest and _names_site(first, names):
            title = rest
        else:
            break
    return title.strip()


@lru_cache(maxsize=256)
def _folded_names(site_names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Each name folded, and its letters alone."""
    return tuple((name, _letters(name)) for name in map(folded, site_names) if name)


def _letters(text: str) -> str:
    return _NO_WORD.sub("", text)


@lru_cache(maxsize=512)
def _names_site(part: str, names: tuple[tuple[str, str], ...]) -> bool:
    """A site hangs the same words on all its titles."""
    text = folded(part)
    plain = _letters(text)
    return any(plain == letters or (len(n) > 3 and (text.startswith(n) or text.endswith(n))) for n, letters in names)


def trim_price(title: str) -> str:
    """The title without a price that was written into it, and without the place in brackets behind that price."""
    if not _PRICE_MARK.search(title):
        return title.strip() or title
    return _PRICE_HEAD.sub("", _PRICE_TAIL.sub("", title)).strip() or title


def place_in(heading: str) -> str | None:
    """The place in brackets at the end of a heading that also names a price: "Vase - $40 (Tunis)" -> "Tunis"."""
    if not (_PRICE_TAIL.search(heading) or _PRICE_HEAD.match(heading)):
        return None
    match = _PLACE_TAIL.search(heading)
    return match.group(1).strip() if match else None
