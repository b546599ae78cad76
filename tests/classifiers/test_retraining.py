"""A model taught by decisions: what it gains, what it may not lose, and who may not drown the others."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers.listing import ListingClassifier
from classifiers.own_terms import add_terms, with_own_terms
from classifiers.retraining import TooFewDecisions, retrain
from classifiers.warm_start import Taught, row_weights
from classifiers.weights import Weights

ANTIQUITIES = (
    "Roman denarius of Hadrian, 3.2 g, VF",
    "Attic black-figure lekythos, 5th century BC",
    "سراج روماني قديم",
)
OTHERS = ("Samsung phone 64 GB", "Museum replica of a Roman lamp, resin", "Livre sur les monnaies romaines")


def decisions(count, *, reviewer="amina", wrong=False, markets=4, first=0):
    rows = []
    for number in range(first, first + count):
        antiquity = number % 2 == 0
        text = (ANTIQUITIES if antiquity else OTHERS)[number // 2 % 3]
        market = f"market {number // 2 % markets}"
        rows.append(Taught(f"{text} no. {number}", None, antiquity != wrong, market, f"s{number}", "en", reviewer))
    return rows


@pytest.fixture(scope="module")
def honest(classifier):
    return retrain(classifier, classifier, decisions(80), "ours")


def test_decisions_that_the_model_knew_change_nothing_that_it_knows(classifier, honest):
    new = ListingClassifier(honest.weights, classifier.lexicon)
    texts = [("Etruscan bucchero oinochoe", "7th c. BC"), ("Lampe romaine", None), ("Washing machine", "A+++")]
    assert np.abs(new.scores(texts) - classifier.scores(texts)).max() < 0.1
    assert honest.card["validation"]["better"].startswith(("equal", "better"))
    assert honest.card["to_look_at"] == []


def test_the_same_decisions_give_the_same_model(classifier, honest):
    assert retrain(classifier, classifier, decisions(80), "ours").weights.digest == honest.weights.digest


def test_a_reviewer_who_decides_wrongly_in_masses_is_named_and_weighs_little(classifier):
    good, bad = decisions(80), decisions(240, reviewer="mallory", wrong=True, first=80)
    weights = row_weights(good + bad)
    assert weights[80:].sum() < 2 * weights[:80].sum()  # three times as many decisions
    [doubt] = retrain(classifier, classifier, good + bad, "poisoned").card["to_look_at"]
    assert doubt.startswith("mallory decided against a model that was sure of the other in")


def test_some_wrong_decisions_of_one_reviewer_do_not_turn_the_model(classifier):
    rows = decisions(120) + decisions(60, reviewer="mallory", wrong=True, first=120)
    new = ListingClassifier(retrain(classifier, classifier, rows, "poisoned").weights, classifier.lexicon)
    scores = new.scores([("Roman denarius of Trajan", None), ("Samsung phone 128 GB", None)])
    assert scores[0] > 0.5 > scores[1]


def test_a_model_taught_beside_own_terms_is_called_as_it_will_be_when_it_is_loaded(classifier, tmp_path):
    file = tmp_path / "our_terms.yaml"
    file.write_text("family: object\ngroups:\n  local_idol:\n    en: [qarnawu stela]\n", encoding="utf-8")
    terms = tmp_path / "terms"
    add_terms(file, terms)
    base = with_own_terms(classifier.weights, [terms], None)
    rows = decisions(80) + [
        Taught(f"Qarnawu stela {n}", None, True, f"market {n % 4}", f"q{n}", "en", "amina") for n in range(40)
    ]
    trained = retrain(base, base, rows, "ours")
    trained.save(tmp_path / "model")
    loaded = with_own_terms(Weights.load(tmp_path / "model"), [terms], None)
    assert trained.card["model"] == loaded.model
    assert "+terms:" in loaded.model
    alone = ListingClassifier(Weights.load(tmp_path / "model"))  # the terms were taken out of the home since
    assert alone.assess("Roman denarius of Hadrian", None).flagged


def test_too_few_decisions_are_refused_with_what_lacks(classifier):
    with pytest.raises(TooFewDecisions, match="There are 18 decisions"):
        retrain(classifier, classifier, decisions(18), "ours")
    with pytest.raises(TooFewDecisions, match="No decision was made about nowhere"):
        retrain(classifier, classifier, decisions(40), "ours", validate=["nowhere"])
    with pytest.raises(TooFewDecisions, match="hold out fewer"):
        retrain(classifier, classifier, decisions(40), "ours", validate=[f"market {n}" for n in range(4)])
