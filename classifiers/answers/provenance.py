"""What a seller claims of an object's past, in which years, and with what papers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from classifiers.answers.nearby import is_denied, near
from classifiers.answers.signs import BatchSigns, Sign, without_repeats
from classifiers.answers.years import read_years
from crawler.items import Finding, Reason

PAPERS = frozenset(
    {"invoice", "sale_catalogue", "publication", "photograph", "export_licence", "eu_import_docs",
     "treasure_disclaimed"}
)  # fmt: skip
"""Claims of something that can be asked for and read."""
NUMBERED = "export_licence_numbered"
FIRST_OWNED, LAST_OWNED = 1750, 2039
AHEAD, BEHIND, BEFORE = 40, 18, 14
"""Characters: "acquired on the London market in 1968", "1968 yılında satın alındı", "before the year 1970"."""
_LICENCE_NUMBER = re.compile(r"[ :#]*(?:n[o°º]\.?|number|nr\.?|numero|رقم)?[ :#]*(?=[a-z/-]*\d)[a-z0-9/-]{4,}")
_DECADE = re.compile(r"'?s\b|\s?er\b|'?(?:ler|lar)\b")
_RECORD = re.compile(r"\b(?=[A-Z]{2,6}-(?=[0-9A-F]*\d)[0-9A-F]{6}\b)[A-Z]{2,6}-[0-9A-F]{6}\b|\b20\d{2} ?T ?\d{1,4}\b")


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of one listing."""

    findings: tuple[Finding, ...]
    years: tuple[tuple[int, Reason], ...]
    """Years in which somebody is said to have had it, the earliest first; "before 1970" is 1969, a decade its end."""

    @property
    def ids(self) -> set[str]:
        return {finding.id for finding in self.findings}

    @property
    def papers(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.id in PAPERS]

    @property
    def earliest_year(self) -> int | None:
        return self.years[0][0] if self.years else None

    def reasons(self, *ids: str) -> tuple[Reason, ...]:
        return tuple(reason for finding in self.findings if finding.id in ids for reason in finding.reasons)


def find_claims(signs: Sequence[Sign], batch: BatchSigns, listing: int) -> Claims:
    """The claims that the words make, denied ones left out."""
    denials = [sign for sign in signs if sign.family == "denial"]
    told = [sign for sign in signs if sign.family == "claim" and not is_denied(sign, denials, batch)]
    findings = [Finding(sign.group, 0.0, (batch.quote(sign, 0.0),)) for sign in without_repeats(told)]
    if number := _licence_number(told, batch):
        findings.append(Finding(NUMBERED, 0.0, (number,)))
    if "treasure_disclaimed" not in {finding.id for finding in findings}:
        records = [
            batch.quote_original(listing, field, match.span(), 0.0, "pattern:find_record")
            for field in (0, 1)
            for match in _RECORD.finditer(batch.original(listing, field))
        ]
        findings += [Finding("treasure_disclaimed", 0.0, (record,)) for record in records[:1]]
    years = sorted(_owned_years(signs, told, batch), key=lambda owned: owned[0])
    return Claims(tuple(findings), tuple(years))


def _licence_number(told: Sequence[Sign], batch: BatchSigns) -> Reason | None:
    for sign in told:
        if sign.rule == "claim:export_licence":
            match = _LICENCE_NUMBER.match(batch.batch.text, sign.end, sign.end + 40)
            if match and "\n" not in match.group():
                return batch.quote_span(sign.start, match.end(), 0.0, sign.rule)
    return None


def _owned_years(signs: Sequence[Sign], told: Sequence[Sign], batch: BatchSigns) -> list[tuple[int, Reason]]:
    beside = [sign for sign in signs if sign.family == "circumstance" and sign.group in ("acquired", "before")]
    found = []
    for sign in signs:
        if sign.family != "date":
            continue
        span = read_years(batch.text(sign))
        if span is None or not FIRST_OWNED <= span[1] <= LAST_OWNED:
            continue
        is_before = any(
            other.group == "before" and (near(other, sign, batch, BEFORE) or near(sign, other, batch, BEFORE))
            for other in beside
        )
        if sign.rule != "date:ownership_year" and not is_before and not _is_owned(sign, [*beside, *told], batch):
            continue
        year = span[0]
        if year % 10 == 0 and _is_decade(sign, signs, batch):
            year += 9
        found.append((year - 1 if is_before else year, batch.quote(sign, 0.0)))
    return found


def _is_decade(sign: Sign, signs: Sequence[Sign], batch: BatchSigns) -> bool:
    """ "the 1960s", "in den 1960er Jahren", "dans les années 1960": somewhere up to its last year."""
    if batch.text(sign).endswith("s") or _DECADE.match(batch.batch.text, sign.end):
        return True
    return any(other.rule == "circumstance:decade" and near(other, sign, batch, 2) for other in signs)


def _is_owned(sign: Sign, others: Sequence[Sign], batch: BatchSigns) -> bool:
    return any(near(other, sign, batch, AHEAD) or near(sign, other, batch, BEHIND) for other in others)
