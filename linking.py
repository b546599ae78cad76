"""What ties matching to the rest: objects read from listings and register entries, matched both ways, and kept.

The classifiers read type, material and period out of either text; `matching` compares; `storage.registers` keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from itertools import islice
from math import log
from pathlib import Path
from random import Random
from typing import Any

from classifiers.corpus import load_corpus
from classifiers.lexicon import Lexicon
from classifiers.listing import BATCH, ListingClassifier
from classifiers.registry import load_classifier
from crawler.answer_records import answers_record
from crawler.errors import RelicwatchError
from crawler.extraction.measures import dimensions_in, weight_in
from crawler.home import Home
from crawler.picture_kinds import image_suffix
from evidence.thumbnails import store_file
from matching.links import Link
from matching.object_index import ObjectIndex
from matching.object_record import ObjectRecord, finding_ids, sizes_of, years_of
from matching.register_files import RegisterFile, RegisterRow, RowFault, read_register, refused
from photo_links import MOST_PHOTOS, EntryPhotos
from storage.audit import AuditChain
from storage.database import Database
from storage.jobs import ClaimedJob
from storage.registers import (
    EntryRow,
    StoredOffer,
    Version,
    entry_photos,
    keep_matches,
    keep_version,
    listing_pictures,
    looked_for,
    offers,
)
from storage.tables import RegisterEntry

_TOLD = ("title", "object_type", "description", "distinguishing_features", "inscriptions", "marks")
"""What of an entry is compared as text, in this order. Where it was stolen is no part of the object."""
_NAMED = ("object_type", "materials", "techniques", "culture", "period")
_NUMBERS = ("inventory_no", "reference_no")
MOTIFS = Path(__file__).parent / "matching" / "lexicons"
TELLING_FAMILIES = frozenset({"coin", "ruler", "deity", "place", "technique"})
"""Families of the classifier's rules that say something of the object beside its type, material and period."""


METHOD = "objects-2"
"""The version of the comparison, kept with each candidate."""
BANDS = (("strong", 6.4), ("medium", 4.9), ("weak", 2.4))
"""Least score, less the logarithm of the number of entries (FOILS at least), of each band. `bench/register_set.py`
shows how many offers of objects that are in no register reach each."""
FOILS = 2_000
"""Records that stand beside a shorter register, so that it can tell how much agreement is chance."""
KEPT_UNFLAGGED = frozenset({"strong", "medium"})
"""Bands kept for a listing that no model flagged; of a flagged one a weak candidate is worth a look too."""
MOST_CANDIDATES = 5
PHOTO_LINKED, PHOTO_CANDIDATE = 18.0, 6.0
"""Weights of a photograph that links by itself, and of one that is a candidate with score 1."""


class RegisterNotRead(RelicwatchError):
    """A list held no row that could be kept; the sentence names the first fault."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a listing or an entry says of its object, before it is read: `title` and `text` in any language."""

    id: int
    title: str
    text: str
    sizes_mm: tuple[float, ...] = ()
    weight_g: float | None = None
    numbers: tuple[str, ...] = ()
    inscription: str = ""
    years: tuple[int, int] | None = None

    @property
    def whole(self) -> str:
        """The title on a line of its own, and what stands below it."""
        return f"{' '.join(self.title.split())}\n{self.text}"


def told_by_entry(entry_id: int, fields: Mapping[str, Any]) -> Told:
    """An entry's fields as `matching.register_files` reads them."""

    def say(names: Sequence[str]) -> str:
        values = (fields.get(name) for name in names)
        return ". ".join("; ".join(one) if isinstance(one, list) else str(one) for one in values if one)

    start, end = fields.get("date_start"), fields.get("date_end")
    return Told(
        id=entry_id,
        title=say(_NAMED),
        text=say(_TOLD),
        sizes_mm=tuple(float(one) for one in fields.get("sizes", {}).values()),
        weight_g=float(fields["weight_g"]) if fields.get("weight_g") else None,
        numbers=tuple(str(fields[name]) for name in _NUMBERS if fields.get(name)),
        inscription=str(fields.get("inscriptions") or ""),
        years=(int(start), int(end)) if isinstance(start, int) and isinstance(end, int) else None,
    )


def read_objects(told: Iterable[Told], classifier: ListingClassifier) -> Iterator[ObjectRecord]:
    """Each as a record that can be compared, in the order given."""
    rest = iter(told)
    while some := list(islice(rest, BATCH)):
        texts: list[tuple[str, str | None]] = [(one.title, one.text) for one in some]
        for one, concepts, assessment in zip(
            some, _concepts(texts, classifier), classifier.assess_many(texts), strict=True
        ):
            answers = answers_record(assessment.answers) if assessment.answers else None
            yield object_record(one, answers, concepts, assessment.language)


@cache
def _motifs() -> Lexicon:
    return Lexicon(MOTIFS)


def _concepts(texts: Sequence[tuple[str, str | None]], classifier: ListingClassifier) -> list[frozenset[str]]:
    """What each text names: motifs, and what of the classifier's own terms tells objects apart.

    A title counts where the description names nothing: its words are compared as type and period, and are what a
    seller falsifies.
    """
    reading = classifier.read(texts)
    fields = reading.batch.words.fields
    found: list[set[str]] = [set() for _ in range(2 * len(texts))]  # a title, its description, the next title
    motifs = _motifs()
    hits = motifs.find(reading.batch, reading.languages)
    for word, rule in zip(hits.first.tolist(), hits.rules.tolist(), strict=True):
        found[int(fields[word])].add(motifs.rules[rule])
    names = classifier.rules.names
    for field, rule in zip(reading.signs.fields.tolist(), reading.signs.rules.tolist(), strict=True):
        if names[rule].partition(":")[0] in TELLING_FAMILIES:
            found[field].add(names[rule])
    return [frozenset(below or title) for title, below in zip(found[::2], found[1::2], strict=True)]


def object_record(
    told: Told, answers: Mapping[str, Any] | None, concepts: frozenset[str] = frozenset(), language: str | None = None
) -> ObjectRecord:
    """From what was told and from the answers of its assessment; sizes and weight are looked for in the text too."""
    weight = told.weight_g if told.weight_g is not None else _weight(told.text)
    return ObjectRecord(
        id=told.id,
        text=told.whole,
        types=finding_ids(answers, "types"),
        materials=finding_ids(answers, "materials"),
        periods=finding_ids(answers, "periods"),
        years=told.years or years_of(answers),
        sizes_mm=_sizes(told),
        weight_g=weight,
        numbers=told.numbers,
        inscription=told.inscription,
        concepts=concepts,
        language=language,
    )


def _sizes(told: Told) -> tuple[float, ...]:
    """Those given, and those of the text that are none of them: a seller's form may say another size than the words."""
    sizes = list(told.sizes_mm)
    for one in dimensions_in(told.text):
        if all(abs(float(one.millimetres) - known) > 0.01 * known for known in sizes):
            sizes.append(float(one.millimetres))
    return sizes_of(sizes)


def _weight(text: str) -> float | None:
    weight = weight_in(text)
    return float(weight) if weight is not None else None


# -- registers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ImportedRegister:
    version: Version
    faults: list[RowFault]
    unknown_columns: list[str]
    photos: int
    """Photographs that came along with the list and are kept."""


def import_register(
    database: Database,
    home: Home,
    path: Path,
    *,
    chain: AuditChain,
    actor: str,
    source: str | None = None,
    dated: str | None = None,
    licence: str | None = None,
    whole: bool = True,
) -> ImportedRegister:
    """Keep a list as the next version of its source. Good rows are kept whatever the bad ones are.

    Raises RegisterFileError, RegisterNotRead, RegisterError.
    """
    found = read_register(path)
    named = {row.source_id for row in found.rows if row.source_id}
    if source is None:
        if len(named) > 1:
            raise RegisterNotRead(
                f"{path}: names {len(named)} sources ({', '.join(sorted(named)[:3])}): say --source NAME."
            )
        source = next(iter(named), None) or path.stem
    if not found.rows:
        first = next(iter(refused(found.faults)), None)
        why = f"line {first.line} {first.reason}" if first else "it has no row below its headings"
        raise RegisterNotRead(f"{path}: no row could be kept: {why}.")
    photos = 0
    rows: list[EntryRow] = []
    for row in found.rows:
        kept, count = _entry_photos(home, row, found)
        photos += count
        rows.append(EntryRow(row.record_id, row.status, row.fields, row.original, row.sharing, kept))
    read_as = _read_entries(rows, load_classifier(home))
    with database.transaction() as session:
        version = keep_version(
            session,
            chain,
            source=source,
            rows=rows,
            read_as=read_as,
            faults=[asdict(fault) for fault in found.faults],
            file_name=path.name,
            file_sha256=sha256(path.read_bytes()).hexdigest(),
            actor=actor,
            dated=dated,
            licence=licence,
            whole=whole,
        )
    return ImportedRegister(version, found.faults, found.unknown_columns, photos)


def _entry_photos(home: Home, row: RegisterRow, found: RegisterFile) -> tuple[list[dict[str, Any]], int]:
    """An entry's photographs as they are kept: by content, beside their names. An address is not fetched."""
    kept: list[dict[str, Any]] = []
    count = 0
    for name in row.photos:
        data = None if "://" in name else found.photo_bytes(name)
        if data is None:
            if "://" not in name:
                found.faults.append(RowFault(row.line, f"photo {name[:80]} did not come along", warning=True))
            kept.append({"name": name})
            continue
        if not image_suffix(data):
            found.faults.append(RowFault(row.line, f"photo {name[:80]} is no picture that can be read", warning=True))
            kept.append({"name": name})
            continue
        kept.append({"name": name, "sha256": store_file(home, data)})
        count += 1
    return kept, count


def _read_entries(rows: Sequence[EntryRow], classifier: ListingClassifier) -> dict[str, dict[str, Any]]:
    """By digest, what of each entry is compared."""
    told = (told_by_entry(number, row.fields) for number, row in enumerate(rows))
    return {
        row.digest(): {
            "model": classifier.model,
            "types": sorted(record.types),
            "materials": sorted(record.materials),
            "periods": sorted(record.periods),
            "years": record.years,
            "concepts": sorted(record.concepts),
            "language": record.language,
        }
        for row, record in zip(rows, read_objects(told, classifier), strict=True)
    }


def register_index(database: Database, classifier: ListingClassifier, source: str | None = None) -> ObjectIndex:
    """The entries whose objects are still missing, ready to be asked."""
    with database.reading() as session:
        records = [_record_of(entry) for entry in looked_for(session, source)]
    return ObjectIndex(records, _foils(classifier, FOILS - len(records)) if records else ())


def _foils(classifier: ListingClassifier, count: int) -> list[ObjectRecord]:
    """Antiquities of our corpus: objects that no register holds, told as the trade tells them."""
    if count <= 0:
        return []
    told = [e for e in load_corpus() if e.label == "antiquity" and e.description]
    drawn = Random(0).sample(told, min(count, len(told)))
    return list(read_objects((Told(-1, one.title, one.description or "") for one in drawn), classifier))


def _record_of(entry: RegisterEntry) -> ObjectRecord:
    told, read = told_by_entry(entry.id, entry.fields), entry.read_as
    return ObjectRecord(
        id=entry.id,
        text=told.whole,
        types=frozenset(read["types"]),
        materials=frozenset(read["materials"]),
        periods=frozenset(read["periods"]),
        years=told.years or (tuple(read["years"]) if read["years"] else None),
        sizes_mm=_sizes(told),
        weight_g=told.weight_g if told.weight_g is not None else _weight(told.text),
        numbers=told.numbers,
        inscription=told.inscription,
        concepts=frozenset(read["concepts"]),
        language=read["language"],
    )


def match_registers(
    database: Database,
    home: Home,
    *,
    source: str | None = None,
    crawl_id: int | None = None,
    listings: Sequence[int] = (),
    progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> dict[str, int]:
    """Ask every entry that is looked for (of one `source`, or all) for stored offers: all, a crawl's, or those named.

    Candidates are kept; counts come back: offers, candidates (new ones).
    """
    classifier = load_classifier(home)
    index = register_index(database, classifier, source)
    counts = {"entries": index.asked, "offers": 0, "candidates": 0}
    if not index.asked:
        return counts
    with database.reading() as session:
        wanted = {record.id for record in index.records[: index.asked]}
        pictures = [(id_, sha256) for id_, sha256, _ in entry_photos(session, MOST_PHOTOS) if id_ in wanted]
    with EntryPhotos(database, home, pictures) as entries:
        after = 0
        while True:
            with database.reading() as session:
                some = offers(session, after=after, crawl_id=crawl_id, listings=listings)
                flagged = [one.listing.id for one in some if one.assessment is not None and one.assessment.flagged]
                found = listing_pictures(session, MOST_PHOTOS, listings=flagged) if flagged else []
            if not some:
                return counts
            after = some[-1].listing.id
            shown = {listing: sha256 for listing, sha256, _ in reversed(found)}
            records = read_objects((told_by_offer(one) for one in some), classifier)
            rows: list[dict[str, Any]] = []
            for one, record in zip(some, records, strict=True):
                links = entries.ask(shown[one.listing.id]) if one.listing.id in shown else {}
                rows += _candidates(one, record, index, classifier, links)
            with database.transaction() as session:
                counts["candidates"] += keep_matches(session, rows)
            counts["offers"] += len(some)
            if progress:
                progress(counts)


def told_by_offer(offer: StoredOffer) -> Told:
    seen = offer.observation
    return Told(
        id=offer.listing.id,
        title=seen.title or "",
        text=seen.description or "",
        sizes_mm=tuple(float(one["mm"]) for one in seen.dimensions or ()),
        weight_g=float(seen.weight_grams) if seen.weight_grams is not None else None,
    )


def _candidates(
    offer: StoredOffer,
    record: ObjectRecord,
    index: ObjectIndex,
    classifier: ListingClassifier,
    links: Mapping[int, Link],
) -> Iterator[dict[str, Any]]:
    flagged = offer.assessment is not None and offer.assessment.flagged
    photos = {entry: (photo_weight(link), "; ".join(link.reasons)) for entry, link in links.items()}
    for one in index.find(record, most=MOST_CANDIDATES, photos=photos):
        score = one.score - log(max(index.asked, FOILS))
        band = band_of(score)
        if band is None or (band not in KEPT_UNFLAGGED and not flagged):
            continue
        yield {
            "listing_id": offer.listing.id,
            "observation_id": offer.observation.id,
            "register_entry_id": one.id,
            "score": round(score, 3),
            "band": band,
            "why": [asdict(reason) for reason in one.reasons],
            "method": f"{METHOD} {classifier.model}",
        }


def photo_weight(link: Link) -> float:
    """What a link of photographs counts among the other parts: one that links by itself is a strong candidate alone."""
    return PHOTO_LINKED if link.links else PHOTO_CANDIDATE * link.score


def band_of(score: float) -> str | None:
    """strong, medium, weak, or None for what is no candidate."""
    return next((band for band, least in BANDS if score >= least), None)


def match_job(
    database: Database, home: Home, job: ClaimedJob, progress: Callable[[Mapping[str, Any]], None] | None
) -> dict[str, Any]:
    """A job of kind match: a crawl's offers against all registers, or one register against all offers."""
    asked = job.arguments
    return dict(
        match_registers(database, home, source=asked.get("source"), crawl_id=asked.get("crawl"), progress=progress)
    )
