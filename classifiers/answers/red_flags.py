"""Sale red flags and phrases of reassurance in a listing that names an antiquity, with the field's points."""

from __future__ import annotations

import re
from collections.abc import Sequence

from classifiers.answers import alarms
from classifiers.answers.facts import Settings, read_facts
from classifiers.answers.laws import vesting_year
from classifiers.answers.nearby import is_denied
from classifiers.answers.objects import dispatch_signs, likeliest, refused_signs
from classifiers.answers.provenance import NUMBERED, Claims
from classifiers.answers.signs import BatchSigns, Sign
from crawler.items import Answers, Finding, Reason

MOST_REASONS = 3
BENCHMARK = 1970
MUSEUM_NUMBER = re.compile(
    r"\b(?:IM[ .-]?\d{2,6}|JE[ .-]?\d{3,6}|CG[ .-]?\d{3,6}|TR[ .-]?\d{1,2}[./]\d{1,2}[./]\d{2})\b", re.ASCII
)
"""As the museums of Baghdad and Cairo number what they hold."""
PRIVATE_CHAT = re.compile(r"t\.me/\w+|wa\.me/\d+|chat\.whatsapp\.com/\w+|(?<![\d+])(?:\+|00)\d{9,15}(?!\d)", re.ASCII)
UNSAID_UNLESS = frozenset({"no_provenance", "vague_old_collection"})


def find_red_flags(
    answers: Answers, signs: Sequence[Sign], batch: BatchSigns, listing: int, claims: Claims, location: Sequence[str],
    settings: Settings,
) -> None:  # fmt: skip
    """Set red flags, reassurance and points. `location`: the countries that the offer's place names."""
    facts = read_facts("red_flags")
    found = _spoken(signs, batch, claims)
    for rule, pattern in (("museum_number", MUSEUM_NUMBER), ("move_to_private_chat", PRIVATE_CHAT)):
        found.setdefault(rule, []).extend(_matches(pattern, rule, batch, listing))
    flags = [_flag(id_, reasons) for id_, reasons in found.items() if reasons]
    flags += _from_answers(answers, signs, batch, claims, location, settings, {flag.id for flag in flags})
    alone = [flag for flag in flags if facts["flags"][flag.id].get("only_with_others")]
    if len(alone) == len(flags):
        flags = []
    answers.red_flags = sorted(flags, key=lambda flag: -flag.weight)
    answers.reassurance = _reassurance(answers, claims)
    answers.points = round(sum(finding.weight for finding in (*flags, *answers.reassurance)), 2)


def _flag(id_: str, reasons: Sequence[Reason], basis: str = "words", weight: float | None = None) -> Finding:
    points = read_facts("red_flags")["flags"][id_]["weight"] if weight is None else weight
    return Finding(id_, float(points), tuple(reasons[:MOST_REASONS]), basis)


def _spoken(signs: Sequence[Sign], batch: BatchSigns, claims: Claims) -> dict[str, list[Reason]]:
    """The flags that words of the lexicon raise."""
    weights = read_facts("red_flags")["flags"]
    denials = [sign for sign in signs if sign.family == "denial"]
    found: dict[str, list[Reason]] = {}
    for sign in signs:
        id_ = sign.group
        if sign.family not in ("risk", "flag") or id_ not in weights or id_ == alarms.TAX:
            continue
        if id_ == "vague_old_collection" and claims.papers and claims.years:
            continue  # a collection with a year and a paper is no vague one
        if id_ != "no_provenance" and is_denied(sign, denials, batch):
            continue
        found.setdefault(id_, []).append(batch.quote(sign, float(weights[id_]["weight"])))
    for sign in refused_signs(signs, batch):
        found.setdefault("refuses_country", []).append(batch.quote(sign, float(weights["refuses_country"]["weight"])))
    if shares := alarms.share_signs(signs, batch):
        found[alarms.TAX] = [batch.quote(sign, float(weights[alarms.TAX]["weight"])) for sign in shares]
    return found


def _matches(pattern: re.Pattern[str], rule: str, batch: BatchSigns, listing: int) -> list[Reason]:
    weight = float(read_facts("red_flags")["flags"][rule]["weight"])
    return [
        batch.quote_original(listing, field, match.span(), weight, f"pattern:{rule}")
        for field in (0, 1)
        for match in pattern.finditer(batch.original(listing, field))
    ]


def _from_answers(
    answers: Answers, signs: Sequence[Sign], batch: BatchSigns, claims: Claims, location: Sequence[str],
    settings: Settings, told: set[str],
) -> list[Finding]:  # fmt: skip
    """The flags that follow from other answers: silence, a conflict zone, a place of dispatch, a lone certificate."""
    facts = read_facts("red_flags")
    thing = next((finding.reasons for finding in (*answers.types, *answers.periods)), ())
    flags = []
    if thing and not claims.findings and not claims.years and not told & UNSAID_UNLESS:
        weight = float(facts["flags"]["no_provenance"]["unsaid"])
        flags.append(_flag("no_provenance", _weighed(thing[:1], weight), "unsaid", weight))
    zones = settings.conflict_zones & likeliest(answers.origins)
    in_conflict = [entry for entry in answers.red_list if entry.emergency and entry.country in zones]
    if in_conflict:
        reasons = _weighed(in_conflict[0].reasons, 4.0)
        flags.append(_flag("conflict_zone_culture_match", reasons, in_conflict[0].basis))
    flags += _dispatch(answers, signs, batch, location, told, thing)
    if claims.ids == {"weak_certificate"}:
        weight = float(facts["flags"]["weak_certificate"]["weight"])
        flags.append(_flag("weak_certificate", _weighed(claims.reasons("weak_certificate"), weight)))
    return flags


def _dispatch(
    answers: Answers, signs: Sequence[Sign], batch: BatchSigns, location: Sequence[str], told: set[str],
    thing: Sequence[Reason],
) -> list[Finding]:  # fmt: skip
    """A parcel that leaves from a source country, or from a hub while an old collection is claimed."""
    facts = read_facts("red_flags")
    source, transit = facts["source_countries"], facts["transit_countries"]
    old_collection = "vague_old_collection" in told

    def tells(country: str) -> bool:
        return country in source or (country in transit and old_collection)

    weight = float(facts["flags"]["ships_from_source_or_transit"]["weight"])
    spoken = [batch.quote(sign, weight) for sign in dispatch_signs(signs, batch) if tells(sign.group)]
    if spoken:
        return [_flag("ships_from_source_or_transit", spoken)]
    if any(tells(country) for country in location):
        return [_flag("ships_from_source_or_transit", _weighed(thing[:1], weight), "location")]
    return []


def _reassurance(answers: Answers, claims: Claims) -> list[Finding]:
    weights = read_facts("red_flags")["reassurance"]
    papers = claims.papers
    shown = (*(reason for _, reason in claims.years[:1]), *(reason for paper in papers[:1] for reason in paper.reasons))
    found: list[Finding] = []

    def add(id_: str, reasons: Sequence[Reason], share: float = 1.0) -> None:
        weight = float(weights[id_]) * share
        found.append(Finding(id_, weight, _weighed(reasons, weight)))

    if papers and claims.earliest_year is not None:
        if claims.earliest_year < BENCHMARK:
            add("documented_pre_1970", shown)
        vested = [year for origin in answers.origins if (year := vesting_year(origin.id)) is not None]
        if vested and claims.earliest_year < min(vested):
            add("before_national_cutoff", shown)
    for id_ in ("art_loss_register", "treasure_disclaimed", "licensed_dealer_scheme", "eu_import_docs"):
        if id_ in claims.ids:
            add(id_, claims.reasons(id_))
    if NUMBERED in claims.ids:
        add("export_licence", claims.reasons(NUMBERED))
    elif "export_licence" in claims.ids:
        add("export_licence", claims.reasons("export_licence"), share=0.5)
    return found


def _weighed(reasons: Sequence[Reason], weight: float) -> tuple[Reason, ...]:
    return tuple(Reason(r.field, r.start, r.end, r.text, weight, r.rule) for r in reasons[:MOST_REASONS])
