"""Learning from decisions, across the rooms: train, put a model to use, go back, judge stored listings anew.

Training never switches; switching never trains. What a person did is in the audit log.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from classifiers.answers.offer import Offer
from classifiers.drift import Period, drift_sentence
from classifiers.own_terms import NewHit, add_terms, candidate, count_by_group, new_hits
from classifiers.recall import Stratum, estimate_recall
from classifiers.registry import (
    SHIPPED,
    RegistryError,
    add_model,
    find_models,
    load_classifier,
    model_directory,
    name_in_use,
    put_in_use,
    require_no_worse,
)
from classifiers.retraining import COMPARED, retrain
from classifiers.warm_start import Taught
from classifiers.weights import Weights
from crawler.errors import UsageError
from crawler.home import Home
from storage.audit import AuditChain
from storage.database import Database
from storage.drift import market_periods
from storage.jobs import ClaimedJob, claim_job, insert_job
from storage.leases import process_holder
from storage.model_uses import last_use, model_before, record_use
from storage.recall_counts import recall_counts
from storage.rescoring import Standing, count_to_judge, keep_assessments, listings_to_judge
from storage.sampling import draw
from storage.stored_texts import StoredText, stored_texts
from storage.tables import Observation
from storage.taught import decided_texts

PAGE = 256
MOST_SHOWN = 20
Progress = Callable[[Mapping[str, Any]], None]


# -- training ---------------------------------------------------------------------------------------------------


def new_name(home: Home) -> str:
    """A name for a model trained today that none has yet."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    taken = {model.name for model in find_models(home)}
    return next(name for n in range(1, 1000) if (name := day if n == 1 else f"{day}.{n}") not in taken)


def train_from_decisions(
    database: Database, home: Home, name: str, validate: Sequence[str] = (), without: Sequence[str] = ()
) -> dict[str, Any]:
    """Train a model from the decisions and write it into the home under `name`; it is not put to use.

    The decisions of the reviewers in `without` teach nothing and validate nothing. Returns what `relicwatch train`
    prints. Raises TooFewDecisions, and RegistryError where the name is taken.
    """
    if name == SHIPPED:
        raise RegistryError("`shipped` is the name of the model that comes with relicwatch: choose another.")
    directory = model_directory(home, name)
    if directory.exists() and any(directory.iterdir()):
        raise RegistryError(f"There is a model {name!r} already: choose another name with --name.")
    with database.reading() as session:
        decided = decided_texts(session)
    unknown = sorted(set(without) - {one.reviewer for one in decided})
    if unknown:
        raise UsageError(f"--without: no decision was made by {', '.join(unknown)}.")
    rows = [
        Taught(o.title, o.description, o.antiquity, o.market, o.seller, o.language, o.reviewer)
        for o in decided
        if o.reviewer not in without
    ]
    base, in_use = load_classifier(home, SHIPPED), load_classifier(home)
    trained = retrain(base, in_use, rows, name, validate=validate)
    add_model(home, name, trained.save)
    card = trained.card
    figures = card["validation"]
    return {
        "name": name,
        "model": card["model"],
        "directory": str(directory),
        "decisions": card["decisions"]["taught"],
        "held_out": card["held_out"],
        "strength": card["strength"],
        "compared_with_the_one_in_use": figures.get("better", figures.get("note", "")),
        "figures": {
            model: _headline(figures[model]["all"]) for model in ("new", "in_use", "shipped") if model in figures
        },
        "to_look_at": card["to_look_at"],
        "next": f"It is not in use: relicwatch models use {name}",
    }


def _headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    shown = {}
    for name in (*COMPARED, "keyword_average_precision"):
        value = figures.get(name)
        shown[name] = "too few to say" if value is None else f"{value['value']} ({value['low']} to {value['high']})"
    return shown


# -- putting to use ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Queued:
    """A job that was just made; `claimed` where this process does it, None where a running scheduler was quicker."""

    job_id: int
    claimed: ClaimedJob | None


def use_model(database: Database, home: Home, name: str, *, actor: str, although_worse: bool = False) -> Queued:
    """Put a model to use from the next crawl on, and give back the job that judges stored listings anew.

    For the model in use already there is only the job, where an earlier one did not come to its end. Raises
    RegistryError and ModelError: a model that cannot be loaded is never put to use; WorseModel for one that did worse
    than the one in use, unless `although_worse`.
    """
    classifier = load_classifier(home, name)
    before = _in_use_or_empty(home)
    if before != name:
        if before and not although_worse:
            require_no_worse(home, name, before)
        return _switch(database, home, name, classifier.model, actor=actor, before=before)
    with database.reading() as session:
        left = count_to_judge(session, classifier.model)
    if not left:
        raise UsageError(f"{name} is in use already, and has judged every listing that it would.")
    return _queue(database, "rescore", {"model": name})


def roll_back(database: Database, home: Home, *, actor: str) -> tuple[str, Queued]:
    """Go back to the model that was in use before. Raises NothingBefore."""
    with database.reading() as session:
        name = model_before(session)
    model = load_classifier(home, name).model
    before = _in_use_or_empty(home)
    return name, _switch(database, home, name, model, actor=actor, before=before, rolled_back=True)


def _in_use_or_empty(home: Home) -> str:
    """The name in use; empty where the file that says so is damaged, which putting a model to use mends."""
    try:
        return name_in_use(home)
    except RegistryError:
        return ""


def _switch(
    database: Database, home: Home, name: str, model: str, *, actor: str, before: str, rolled_back: bool = False
) -> Queued:
    """The history first: killed before the file is written, the job writes it (see `follow_history`)."""
    with database.transaction() as session:
        last = last_use(session)
        replaces = before or (last.name if last is not None else SHIPPED)
        record_use(
            session, AuditChain(), name=name, model=model, replaces=replaces, actor=actor, rolled_back=rolled_back
        )
        job = insert_job(session, "rescore", {"model": name}, f"rescore:{uuid.uuid4()}")
        assert job is not None
    put_in_use(home, name)
    return _claimed_here(database, job.id)


def follow_history(database: Database, home: Home) -> None:
    """Put to use what the history says is in use, where a kill came between the two. Raises RegistryError."""
    with database.reading() as session:
        last = last_use(session)
    if last is not None and _in_use_or_empty(home) != last.name:
        put_in_use(home, last.name)


def _queue(database: Database, kind: str, arguments: dict[str, Any]) -> Queued:
    with database.transaction() as session:
        job = insert_job(session, kind, arguments, f"{kind}:{uuid.uuid4()}")
        assert job is not None
    return _claimed_here(database, job.id)


def _claimed_here(database: Database, job_id: int) -> Queued:
    return Queued(job_id, claim_job(database, process_holder(), job_id=job_id))


def rescore(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """Judge active and recent listings anew by the model in use; the old assessments stay."""
    follow_history(database, home)
    classifier = load_classifier(home)
    with database.reading() as session:
        left = count_to_judge(session, classifier.model)
    counts = {"rescored": 0, "newly_flagged": 0, "no_longer_flagged": 0}
    after = 0
    while True:
        with database.reading() as session:
            some = listings_to_judge(session, classifier.model, after=after, limit=PAGE)
        if not some:
            break
        after = some[-1].listing.id
        found = list(classifier.assess_offers((_text(one), _offer(one)) for one in some))
        with database.transaction() as session:
            kept = keep_assessments(session, list(zip(some, found, strict=True)))
        counts = {name: counts[name] + kept[name] for name in counts}
        if progress is not None:
            progress({"listings": counts["rescored"], "of": left, "flagged": counts["newly_flagged"]})
    with database.transaction() as session:
        drawn = draw(session)
    return {"model": classifier.model, **counts, "drawn": drawn}


def _text(one: Standing) -> tuple[str, str | None]:
    return one.observation.title or "", one.observation.description


def _offer(one: Standing) -> Offer:
    seen: Observation = one.observation
    amounts = [a for a in (seen.price, seen.estimate_low, seen.estimate_high) if a is not None]
    return Offer(max(amounts, default=None), seen.currency, seen.location, seen.ends_at, seen.observed_at)


def retrain_job(database: Database, home: Home, job: ClaimedJob, progress: Progress | None) -> dict[str, Any]:
    """The job behind `relicwatch train`."""
    asked = job.arguments
    return train_from_decisions(
        database, home, str(asked["name"]), asked.get("validate") or (), asked.get("without") or ()
    )


def queue_retraining(database: Database, name: str, validate: Sequence[str], without: Sequence[str]) -> Queued:
    """A retrain job, for this process where no scheduler was quicker."""
    return _queue(database, "retrain", {"name": name, "validate": list(validate), "without": list(without)})


def model_rows(home: Home) -> list[dict[str, Any]]:
    """What `relicwatch models list` prints: every model with its figures, the one in use marked."""
    in_use = name_in_use(home)
    rows = []
    for model in find_models(home):
        validation = model.card.get("validation", {})
        figures = validation.get("new", {}).get("all", {}) if isinstance(validation, dict) else {}
        precision = figures.get("average_precision") or {}
        rows.append(
            {
                "name": model.name,
                "in_use": "in use" if model.name == in_use else "",
                "model": model.model,
                "decisions": model.card.get("decisions", {}).get("taught"),
                "average_precision": _interval(precision),
                "compared": validation.get("better") if isinstance(validation, dict) else None,
                "held_out": model.card.get("held_out", "kinds of offer, see its card"),
                "card": str(model.directory / "listing_card.json"),
                "problem": model.problem,
            }
        )
    return rows


def _interval(figure: Mapping[str, Any]) -> str:
    return f"{figure['value']} ({figure['low']} to {figure['high']})" if figure else ""


# -- own terms --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trial:
    """What a file of terms would change among stored listings."""

    listings: int
    by_group: dict[str, int]
    hits: list[tuple[StoredText, NewHit]]
    newly_flagged: list[StoredText]
    no_longer_flagged: list[StoredText]


def try_terms(database: Database, home: Home, path: Path) -> Trial:
    """Run a file of terms over stored listings; nothing is kept. Raises TermsError."""
    in_use = load_classifier(home)
    with candidate(Weights.load(model_directory(home, name_in_use(home))), path, home.terms, home.root) as after:
        hits: list[tuple[StoredText, NewHit]] = []
        newly, former, count, last = [], [], 0, 0
        while True:
            with database.reading() as session:
                some = stored_texts(session, after=last, limit=PAGE)
            if not some:
                break
            last = some[-1].listing_id
            count += len(some)
            texts = [(one.title, one.description) for one in some]
            hits += [(some[hit.listing], hit) for hit in new_hits(in_use, after, texts)]
            pairs = zip(some, in_use.assess_many(texts), after.assess_many(texts), strict=True)
            for one, then, now in pairs:
                if now.flagged and not then.flagged:
                    newly.append(one)
                elif then.flagged and not now.flagged:
                    former.append(one)
    groups = count_by_group([NewHit(text.listing_id, hit.rule, hit.text) for text, hit in hits])
    return Trial(count, groups, hits, newly, former)


def trial_record(trial: Trial) -> dict[str, Any]:
    """What `relicwatch terms test` prints; at most MOST_SHOWN listings of each kind."""
    return {
        "listings": trial.listings,
        "new_hits": len(trial.hits),
        "by_group": trial.by_group,
        "examples": [
            {"listing": text.listing_id, "rule": hit.rule, "words": hit.text, "title": text.title}
            for text, hit in trial.hits[:MOST_SHOWN]
        ],
        "newly_flagged": len(trial.newly_flagged),
        "newly_flagged_examples": [
            {"listing": text.listing_id, "title": text.title} for text in trial.newly_flagged[:MOST_SHOWN]
        ],
        "no_longer_flagged": len(trial.no_longer_flagged),
    }


def keep_terms(database: Database, home: Home, path: Path, *, actor: str) -> tuple[Path, Queued]:
    """Add a file of terms to the unit's own; they count from now on, and the job judges stored listings anew."""
    to = add_terms(path, home.terms)
    with database.transaction() as session:
        details = {"sha256": hashlib.sha256(to.read_bytes()).hexdigest()}
        AuditChain().record(
            session, actor=actor, action="terms added", object_kind="terms", object_id=to.name, details=details
        )
        job = insert_job(session, "rescore", {"terms": to.name}, f"rescore:{uuid.uuid4()}")
        assert job is not None
    return to, _claimed_here(database, job.id)


# -- drift ------------------------------------------------------------------------------------------------------


def drift_sentences(database: Database, home: Home) -> list[dict[str, str]]:
    """Markets whose listings no longer look to the model as they did; empty where all is as it was."""
    model = load_classifier(home).model
    with database.reading() as session:
        periods = market_periods(session, model)
    told = []
    for market, (past, recent) in sorted(periods.items()):
        sentence = drift_sentence(market, Period(*past), Period(*recent))
        if sentence is not None:
            told.append({"market": market, "drift": sentence})
    return told


# -- recall -----------------------------------------------------------------------------------------------------


def estimated_recall(database: Database, seconds: int | None = None) -> dict[str, Any]:
    """What `relicwatch models recall` prints. Raises TooLittleAudited with what lacks."""
    since = datetime.now(UTC) - timedelta(seconds=seconds) if seconds is not None else None
    with database.reading() as session:
        counts = recall_counts(session, since)
    recall = estimate_recall(
        counts.found, [Stratum(drawn.unflagged, drawn.audited, drawn.missed) for drawn in counts.drawn]
    )
    return {
        "recall": f"{recall.value:.3f} ({recall.low:.3f} to {recall.high:.3f})",
        "found": counts.found,
        "missed": f"{recall.missed:.1f} ({recall.missed_low:.1f} to {recall.missed_high:.1f})",
        "looked_at_by_chance": sum(drawn.audited for drawn in counts.drawn),
        "of_them_antiquities": sum(drawn.missed for drawn in counts.drawn),
        "drawn_and_waiting": sum(drawn.waiting for drawn in counts.drawn),
        "flagged_and_waiting": counts.flagged_waiting,
    }
