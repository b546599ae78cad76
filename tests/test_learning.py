"""Learning from decisions: train, put to use, judge anew, go back; own terms; what the random checks say."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

import learning
from classifiers.listing import ListingClassifier
from classifiers.registry import RegistryError, load_classifier, model_names, name_in_use
from commands import terminal
from crawler.home import Home
from storage.audit import AuditChain
from storage.database import Database, DatabaseError
from storage.queue import queue_places
from storage.queue_filters import Filters
from storage.rescoring import keep_assessments
from storage.sampling import draw, set_sampling
from storage.tables import Assessment, Decision, Job, Listing, ReviewMark, User
from storage.users import create_user
from tests.crawling import Place
from tests.review.seed import Offer, add_listing

FOUND = ("Qarnawu stela with ibex frieze", "Grzybek amulet, blue, pierced", "Zagrosian pin with lion finial")
OTHER = ("Grzybek mug, dishwasher safe", "Qarnawu T-shirt size M", "Zagrosian phone case")


@pytest.fixture
def place(tmp_path: Path, sqlite_template: Path) -> Iterator[Place]:
    made = Place(tmp_path / "home", sqlite_template)
    yield made
    made.close()


def opened(place: Place) -> tuple[Home, Database]:
    return place.home, place.database


def decide(session, listing: Listing, verdict: str, user: User) -> None:
    decision = Decision(
        listing_id=listing.id,
        observation_id=listing.current_observation_id,
        assessment_id=listing.current_assessment_id,
        user_id=user.id,
        verdict=verdict,
        next_step="dismiss",
        request_key=str(uuid.uuid4()),
    )
    session.add(decision)
    session.flush()
    listing.current_decision_id = decision.id


def decide_on_many(place: Place) -> None:
    home, database = opened(place)
    with database.transaction() as session:
        user = create_user(session, "amina", "reviewer")
        session.flush()
        for number in range(36):
            market = f"market_{number % 4}"
            for titles, verdict in ((FOUND, "antiquity"), (OTHER, "other")):
                title = f"{titles[number % 3]} no. {number}"
                listing = add_listing(session, home, Offer(title=title, description=None, market=market))
                decide(session, listing, verdict, user)


def test_too_few_decisions_are_refused_with_what_lacks(place):
    said = place.run("train")
    assert said.status == 1
    assert "There are 0 decisions to learn from" in said.err


def test_a_trained_model_learns_is_used_only_when_told_and_is_left_again(place):
    decide_on_many(place)
    trained = place.run("train", "--name", "ours", "--json")
    assert trained.status == 0, trained.err
    record = json.loads(trained.out)
    assert record["held_out"].startswith("whole sources: market_")
    assert name_in_use(place.home) == "shipped"

    home, database = opened(place)
    shipped, ours = load_classifier(home, "shipped"), load_classifier(home, "ours")
    title = "Qarnawu stela, unseen piece"
    assert ours.assess(title, None).score > shipped.assess(title, None).score
    ordinary = ("Samsung phone 64 GB", "Roman denarius of Hadrian, 3.2 g", "تمثال فرعوني من الحجر الجيري")
    for text in ordinary:
        assert abs(ours.assess(text, None).score - shipped.assess(text, None).score) < 0.2

    listed = [json.loads(line) for line in place.run("models", "list", "--json").out.splitlines()]
    assert {row["name"]: row["in_use"] for row in listed} == {"shipped": "in use", "ours": ""}

    used = place.run("models", "use", "ours", "--json")
    assert used.status == 0, used.err
    assert json.loads(used.out)["rescored"] > 0
    with database.reading() as session:
        models = set(session.scalars(select(Assessment.model)))
    assert models == {"text-1:test", ours.model}
    assert place.run("models", "use", "ours").status == 2

    back = place.run("models", "rollback", "--json")
    assert back.status == 0, back.err
    assert json.loads(back.out)["in_use"] == "shipped"
    assert name_in_use(home) == "shipped"


@pytest.fixture
def taught(place) -> Place:
    """Decisions, and a model of them that is not in use."""
    decide_on_many(place)
    assert place.run("train", "--name", "ours").status == 0
    return place


def test_a_model_that_did_worse_is_put_to_use_only_by_who_says_so(taught: Place):
    card = taught.home.models / "ours" / "listing_card.json"
    written = json.loads(card.read_text("utf-8"))
    written["validation"]["better"] = "worse by 0.100 of average precision"
    card.write_text(json.dumps(written), "utf-8")
    refused = taught.run("models", "use", "ours")
    assert refused.status == 1
    assert "ours did worse than the model in use" in refused.err and "--although-worse" in refused.err
    assert name_in_use(taught.home) == "shipped"
    assert taught.run("models", "use", "ours", "--although-worse").status == 0
    assert name_in_use(taught.home) == "ours"


def test_killed_while_it_is_put_to_use_a_model_is_in_use_once_its_job_is_done(taught, monkeypatch):
    home, database = opened(taught)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(learning, "put_in_use", killed)
        with pytest.raises(KeyboardInterrupt):
            learning.use_model(database, home, "ours", actor="test")
    assert name_in_use(home) == "shipped"
    [job] = taught.rows(select(Job).where(Job.kind == "rescore"))
    assert taught.run("job", str(job.id)).status == 0
    assert name_in_use(home) == "ours"
    assert load_classifier(home).model in taught.rows(select(Assessment.model).distinct())
    assert taught.run("models", "rollback").status == 0
    assert name_in_use(home) == "shipped"


def test_judging_anew_that_did_not_come_to_its_end_is_gone_on_with(taught, monkeypatch):
    home, database = opened(taught)
    queued = learning.use_model(database, home, "ours", actor="test")
    kept = []

    def keep_one_page(*arguments, **named):
        if kept:
            raise KeyboardInterrupt
        kept.append(keep_assessments(*arguments, **named))
        return kept[0]

    with monkeypatch.context() as patch:
        patch.setattr(learning, "PAGE", 10)
        patch.setattr(learning, "keep_assessments", keep_one_page)
        with pytest.raises(KeyboardInterrupt):
            learning.rescore(database, home, queued.claimed, None)
    went_on = taught.run("models", "use", "ours", "--json")
    assert went_on.status == 0, went_on.err
    assert went_on.result["rescored"] == 72 - kept[0]["rescored"] == 62
    again = taught.run("models", "use", "ours")
    assert again.status == 2
    assert "in use already" in again.err


def test_what_cannot_be_kept_changes_nothing_and_is_told_as_it_is(taught, monkeypatch):
    home, database = opened(taught)

    def refuse(*_, **__):
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(learning, "record_use", refuse)
    with pytest.raises(DatabaseError, match="the disk is full"):
        learning.use_model(database, home, "ours", actor="test")
    assert name_in_use(home) == "shipped"
    assert taught.rows(select(Job).where(Job.kind == "rescore")) == []


def test_a_damaged_choice_of_model_is_mended_by_choosing_again(taught):
    (taught.home.models / "in_use.json").write_text("{", encoding="utf-8")
    assert "choose again" in taught.run("evaluate", __file__).err + taught.run("models", "list").err
    assert taught.run("models", "use", "ours").status == 0
    assert name_in_use(taught.home) == "ours"


def test_where_a_scheduler_is_quicker_the_model_is_in_use_and_the_job_is_named(taught, monkeypatch, capsys):
    home, database = opened(taught)
    monkeypatch.setattr(learning, "claim_job", lambda *_, **__: None)
    queued = learning.use_model(database, home, "ours", actor="test")
    assert name_in_use(home) == "ours"
    terminal.finish(home, database, queued, {"in_use": "ours"}, "judging anew", True)
    said = json.loads(capsys.readouterr().out)
    assert (said["in_use"], said["job"]) == ("ours", queued.job_id)
    assert "relicwatch run" in said["done_by"]


def test_a_model_is_there_whole_or_not_at_all(taught, monkeypatch):
    home, database = opened(taught)

    def torn(self, directory):
        self.weights.save(directory)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("classifiers.retraining.Retrained.save", torn)
        with pytest.raises(RegistryError, match="No space left"):
            learning.train_from_decisions(database, home, "torn")
    assert model_names(home) == ["shipped", "ours"]
    assert not list(home.models.glob(".torn*"))
    assert learning.train_from_decisions(database, home, "torn")["name"] == "torn"
    with pytest.raises(RegistryError, match="There is a model 'torn' already"):
        learning.train_from_decisions(database, home, "torn")


def test_a_reviewers_decisions_can_be_left_out(taught):
    said = taught.run("train", "--name", "nobodys", "--without", "ben")
    assert said.status == 2
    assert "no decision was made by ben" in said.err
    said = taught.run("train", "--name", "nobodys", "--without", "amina")
    assert said.status == 1
    assert "There are 0 decisions" in said.err


def test_a_model_that_is_not_there_is_named_with_those_that_are(place):
    said = place.run("models", "use", "nobodys")
    assert said.status != 0
    assert "There is no model 'nobodys'" in said.err
    assert "shipped" in said.err


TERMS = """family: object
groups:
  local_idol:
    en: [qarnawu stela]
    ar: [قرناو]
"""


def test_own_terms_are_tried_on_stored_listings_and_then_count(place, tmp_path):
    home, database = opened(place)
    with database.transaction() as session:
        add_listing(session, home, Offer(title="Qarnawu stela with ibex frieze", description=None, flagged=False))
    file = tmp_path / "our_terms.yaml"
    file.write_text(TERMS, encoding="utf-8")
    tried = place.run("terms", "test", str(file), "--json")
    assert tried.status == 0, tried.err
    record = json.loads(tried.out)
    assert record["by_group"] == {"object:local_idol": 1}
    assert not list(home.terms.glob("*.yaml"))
    added = place.run("terms", "add", str(file), "--json")
    assert added.status == 0, added.err
    assessment = load_classifier(home).assess("Qarnawu stela, small", None)
    assert "object:local_idol" in assessment.labels
    assert assessment.score > ListingClassifier.load().assess("Qarnawu stela, small", None).score


def test_a_broken_file_of_terms_is_refused_with_file_and_entry(place, tmp_path):
    file = tmp_path / "our_terms.yaml"
    file.write_text("family: object\ngroups: {local: {en: [5]}}\n", encoding="utf-8")
    said = place.run("terms", "test", str(file))
    assert said.status == 1
    assert "our_terms.yaml" in said.err
    assert "local.en" in said.err


def test_random_checks_stand_among_the_hits_and_tell_the_recall(place):
    home, database = opened(place)
    with database.transaction() as session:
        user = create_user(session, "amina", "reviewer")
        set_sampling(session, AuditChain(), actor="test", audit_share=0.5, explore_per_market=0)
        for number in range(200):
            add_listing(session, home, Offer(title=f"Plain pot {number}", flagged=False, score=0.1, band="weak"))
        hits = [add_listing(session, home, Offer(title=f"Roman lamp {number}")) for number in range(40)]
        session.flush()
        assert draw(session)["audit"] > 60
    with database.reading() as session:
        places = queue_places(session, Filters())
        drawn = [place for place in places if place.drawn]
        assert len(places) == 40 + len(drawn)
        first = places[:40]
        assert sum(place.drawn == "audit" for place in first) == 2  # one in twenty, not all at the end
    assert "are needed before recall" in place.run("models", "recall").err
    with database.transaction() as session:
        for hit in hits:
            decide(session, session.get_one(Listing, hit.id), "antiquity", session.get_one(User, user.id))
        for number, mark in enumerate(session.scalars(select(ReviewMark)).all()):
            listing = session.get_one(Listing, mark.listing_id)
            if listing.current_decision_id is None:
                decide(session, listing, "antiquity" if number == 0 else "other", session.get_one(User, user.id))
    said = place.run("models", "recall", "--json")
    assert said.status == 0, said.err
    record = json.loads(said.out)
    low, high = record["recall"].split("(")[1].rstrip(")").split(" to ")
    assert float(low) < float(record["recall"].split()[0]) < float(high)
    assert record["found"] == 40


def test_shares_of_the_queue_are_shown_and_set_by_command(place):
    shown = place.run("models", "sampling", "--json")
    assert (shown.status, shown.result["random_checks_of_places"], shown.result["set_by"]) == (0, 0.05, "relicwatch")
    said = place.run("models", "sampling", "--random", "0.2", "--explore", "0.1", "--json")
    assert said.status == 0, said.err
    assert said.result["random_checks_of_places"] == 0.2
    assert said.result["drawn_of_new_listings"] == 0.02
    assert "(command)" in said.result["set_by"]
    refused = place.run("models", "sampling", "--random", "0.6")
    assert refused.status == 2
    assert "half of the queue" in refused.err


def test_evaluate_prints_figures_with_intervals_beside_keyword_counting(place, tmp_path):
    rows = [{"id": n, "title": f"Roman denarius of Hadrian {n} g", "label": "antiquity"} for n in range(20)]
    rows += [{"id": 100 + n, "title": f"Samsung phone {n} GB", "label": "not_antiquity"} for n in range(20)]
    gold = tmp_path / "gold.jsonl"
    gold.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"title": "x"}\n', encoding="utf-8")
    said = place.run("evaluate", str(gold), "--json")
    assert said.status == 1
    assert "line 41: `label`" in said.err
    [record] = [json.loads(line) for line in said.out.splitlines()]
    assert record["average_precision"]["value"] == 1.0
    assert record["keyword_average_precision"]["low"] <= record["keyword_average_precision"]["value"]


def test_simulate_prints_what_each_order_saves_and_names_bad_lines(place, tmp_path):
    rows = [{"id": n, "title": f"Roman denarius of Hadrian {n} g", "label": "antiquity"} for n in range(6)]
    rows += [{"id": 100 + n, "title": f"Samsung phone {n} GB", "label": "not_antiquity"} for n in range(60)]
    pool = tmp_path / "pool.jsonl"
    pool.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"title": "x", "label": 3}\n', encoding="utf-8")
    said = place.run("simulate", str(pool), "--seeds", "2", "--json")
    assert said.status == 1
    assert "line 67: `label`" in said.err
    records = [json.loads(line) for line in said.out.splitlines()]
    ours = [record for record in records if record["order"] == "relicwatch"]
    assert [record["seed"] for record in ours] == [0, 1, "mean"]
    assert ours[-1]["wss_95"] == pytest.approx((66 - 7) / 66 - 0.05, abs=0.001)  # the known row of the others is read
    assert place.run("simulate", str(pool), "--seeds", "2", "--json").out == said.out


def test_listings_judged_anew_by_two_at_once_while_a_third_decides_get_one_assessment_each(database, home):
    with database.transaction() as session:
        user = create_user(session, "amina", "reviewer")
        session.flush()
        reviewer = user.id
        for number in range(60):
            add_listing(session, home, Offer(title=f"Roman lamp no. {number}", description=None))
    failed = []

    def at_work(work):
        try:
            work()
        except Exception as error:  # told in the main thread
            failed.append(error)

    def judge():
        learning.rescore(database, home, None, None)

    def decide_backwards():
        with database.reading() as session:
            ids = session.scalars(select(Listing.id).order_by(Listing.id.desc())).all()
        for id_ in ids:
            with database.transaction() as session:
                listing = session.get_one(Listing, id_, with_for_update=True)
                decide(session, listing, "antiquity", session.get_one(User, reviewer))

    threads = [threading.Thread(target=at_work, args=(work,)) for work in (judge, judge, decide_backwards)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    model = load_classifier(home).model
    with database.reading() as session:
        of_model = session.scalars(select(Assessment).where(Assessment.model == model)).all()
        listings = session.scalars(select(Listing)).all()
        assert len(of_model) == 60
        assert {one.current_assessment_id for one in listings} == {one.id for one in of_model}
        assert all(one.current_decision_id for one in listings)
