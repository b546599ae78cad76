"""A unit's own terms: lexicon files in its home, in the form of ours, and what they weigh before any training."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from classifiers.bounds import bounds_of, is_sale_talk, side_of
from classifiers.lexicon import LEXICONS, Lexicon, LexiconError, read_terms
from classifiers.listing import BATCH, Listing, ListingClassifier
from classifiers.normalise import fold, original_end
from classifiers.weights import Weights
from classifiers.words import TOKEN

DEFAULT_WEIGHT = 0.6
"""What a new group weighs where its family has no learned weight: for an antiquity or against, as its family may."""
LEAST_LEARNED = 0.05
TERMS_MARK = "+terms:"
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\.yaml")


class TermsError(LexiconError):
    """A file of own terms cannot be used; the sentence names the file and the entry."""


@dataclass(frozen=True, slots=True)
class NewHit:
    """A term of the file found in a listing where nothing was found of its group before."""

    listing: int
    """Index of the listing among those given."""
    rule: str
    text: str


def check_terms(path: Path) -> list[tuple[str, str, str, str]]:
    """Every (family, group, language, term) of a file. Raises TermsError for what would never count, or could not."""
    try:
        terms = list(read_terms(path))
    except LexiconError as error:
        raise TermsError(str(error)) from error
    if not terms:
        raise TermsError(f"{path}: holds no term: write at least one group with a language and its terms.")
    family = terms[0][0]
    known = known_families()
    if family not in known:
        raise TermsError(
            f"{path}: the family {family!r} is none that the model weighs: use one of {', '.join(sorted(known))}."
        )
    seen: dict[tuple[str, str], str] = {}
    for _, group, language, term in terms:
        folded = " ".join(TOKEN.findall(fold(term)))
        if not any(character.isalpha() for character in folded):
            raise TermsError(f"{path}: {group}.{language} holds {term!r}, in which there is no word.")
        if len(folded) < 2:
            raise TermsError(f"{path}: {group}.{language} holds {term!r}: one letter alone is found everywhere.")
        if (language, folded) in seen:
            raise TermsError(f"{path}: {group}.{language} holds {term!r} twice, once in {seen[language, folded]}.")
        seen[language, folded] = group
    return terms


def known_families() -> set[str]:
    """The families of the lexicons that come with relicwatch."""
    return set(Lexicon().families)


def add_terms(path: Path, terms: Path) -> Path:
    """Copy a checked file into the unit's own; it replaces one of the same name. Raises TermsError."""
    check_terms(path)
    name = path.with_suffix(".yaml").name.lower()
    if not FILE_NAME.fullmatch(name):
        raise TermsError(f"{path}: name the file with letters a-z, digits, - and _, like bronzes_fr.yaml.")
    if (LEXICONS / name).exists():
        raise TermsError(f"{path}: {name} is the name of a lexicon that comes with relicwatch: choose another.")
    terms.mkdir(mode=0o700, parents=True, exist_ok=True)
    to, draft = terms / name, terms / f".{name}.new"
    draft.write_bytes(path.read_bytes())
    draft.replace(to)
    return to


def own_digest(terms: Path) -> str:
    """SHA-256 over the own files, empty where there are none."""
    paths = sorted(terms.glob("*.yaml"))
    if not paths:
        return ""
    return hashlib.sha256(b"".join(path.name.encode() + b"\0" + path.read_bytes() for path in paths)).hexdigest()


def with_own_terms(weights: Weights, directories: Sequence[Path], home: Path | None) -> ListingClassifier:
    """The classifier of these weights that reads the terms of `directories` too; its model says so in its name."""
    used = [directory for directory in directories if own_digest(directory)]
    if not used:
        return ListingClassifier(weights, home=home)
    for directory in used:
        for path in sorted(directory.glob("*.yaml")):
            check_terms(path)
    lexicon = Lexicon(LEXICONS, *used)
    ours = Lexicon().rule_index
    given = {rule: weight_of_new(rule, weights.lexicon) for rule in lexicon.rules if rule not in ours}
    unseen = {rule: weight for rule, weight in given.items() if rule not in weights.lexicon}
    classifier = ListingClassifier(replace(weights, lexicon=weights.lexicon | unseen), lexicon, home)
    marks = hashlib.sha256("".join(map(own_digest, used)).encode()).hexdigest()
    classifier.model = f"{weights.name}:{weights.digest[:12]}{TERMS_MARK}{marks[:8]}"
    return classifier


def own_terms_of(model: str) -> str:
    """The part of a model's name that tells of own terms; empty where it has none."""
    _, mark, digest = model.partition(TERMS_MARK)
    return mark + digest


def weight_of_new(rule: str, learned: dict[str, float]) -> float:
    """What a group weighs that no training saw: the mean of its family's learned groups, else DEFAULT_WEIGHT.

    Always within the bounds of its name (`classifiers.bounds`), so that talk of the sale keeps its fixed weight.
    """
    family = rule.partition(":")[0]
    of_family = [w for name, w in learned.items() if " " not in name and name.partition(":")[0] == family]
    mean = sum(of_family) / len(of_family) if of_family else 0.0
    weight = mean if abs(mean) >= LEAST_LEARNED or is_sale_talk(rule) else DEFAULT_WEIGHT * side_of(rule)
    least, most = bounds_of(rule)
    return round(min(max(weight, least), most), 3)


@contextmanager
def candidate(weights: Weights, path: Path, terms: Path, home: Path | None) -> Iterator[ListingClassifier]:
    """The classifier as it would be with this file added, for a trial. Raises TermsError."""
    with tempfile.TemporaryDirectory() as directory:
        trial = Path(directory)
        for own in sorted(terms.glob("*.yaml")):
            (trial / own.name).write_bytes(own.read_bytes())
        add_terms(path, trial)
        yield with_own_terms(weights, [trial], home)


def new_hits(before: ListingClassifier, after: ListingClassifier, listings: Sequence[Listing]) -> list[NewHit]:
    """What `after` finds in the listings and `before` does not: group and the listing's own words."""
    found: list[NewHit] = []
    for at in range(0, len(listings), BATCH):
        some = listings[at : at + BATCH]
        known = {(listing, rule, start, end) for listing, rule, start, end, _ in _signs(before, some)}
        for listing, rule, start, end, text in _signs(after, some):
            if (listing, rule, start, end) not in known:
                found.append(NewHit(at + listing, rule, text))
    return found


def _signs(classifier: ListingClassifier, listings: Sequence[Listing]) -> Iterator[tuple[int, str, int, int, str]]:
    """Listing, rule and place of every sign, with the listing's own words there."""
    reading = classifier.read(listings)
    batch, signs = reading.batch, reading.signs
    fields, starts, lasts = batch.original_spans(signs.starts, signs.ends)
    places = zip(fields.tolist(), starts.tolist(), lasts.tolist(), signs.rules.tolist(), strict=True)
    for (field, start, last, rule), folded in zip(places, signs.starts.tolist(), strict=True):
        text = batch.listings[field >> 1][field & 1] or ""
        yield field >> 1, classifier.rules.names[rule], folded, last, text[start : original_end(text, last)]


def count_by_group(hits: Sequence[NewHit]) -> dict[str, int]:
    """Group -> number of listings newly hit."""
    listings: dict[str, set[int]] = defaultdict(set)
    for hit in hits:
        listings[hit.rule].add(hit.listing)
    return {rule: len(found) for rule, found in sorted(listings.items())}
