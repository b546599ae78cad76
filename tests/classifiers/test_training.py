"""Training: the same corpus gives the same model, a broken corpus is named."""

import json

import pytest

from classifiers.composing import write_composed
from classifiers.corpus import CORPUS, CorpusError, load_corpus
from classifiers.listing import MODELS, ListingClassifier
from classifiers.training import train

BANK = """
language: en
slots:
  thing: "ring; lamp; coin"
scenes:
  - kind: old
    label: antiquity
    count: 30
    titles: |
      Roman {thing} {100-390} AD
      <Greek|Egyptian> {thing}[, {2.1-9.9} g]
  - kind: older
    label: antiquity
    count: 30
    titles: |
      Babylonian {object.cylinder_seal}
  - kind: new
    label: not_antiquity
    count: 30
    titles: |
      Plastic {thing} toy
      Garden hose {1-9} m
  - kind: newer
    label: not_antiquity
    count: 30
    titles: |
      Phone {16-64} GB
"""

THIN = BANK
for number in range(4):
    BANK += f"""
  - kind: ruler {number}
    label: antiquity
    count: 20
    titles: |
      {{ruler.roman_emperor}} ancient Roman {{thing}}, {{100-390}} AD
      Greek {{object.cylinder_seal}} with {{deity.classical}}, {{100-500}} BC
  - kind: shop {number}
    label: not_antiquity
    count: 20
    titles: |
      {{goods.electronics}} new {{16-64}} GB
      {{goods.home_fashion_vehicle}} plastic toy, free delivery
"""


def composed(directory, bank):
    banks = directory / "banks"
    banks.mkdir(exist_ok=True)
    (banks / "en.yaml").write_text(bank)
    write_composed(directory / "corpus", banks)
    return directory / "corpus"


@pytest.fixture
def corpus(tmp_path):
    return composed(tmp_path, BANK)


def test_training_twice_gives_the_same_digest(corpus, tmp_path):
    one, two = train(corpus, tmp_path / "one"), train(corpus, tmp_path / "two")
    assert one.digest == two.digest
    for name in ("listing_weights.npz", "listing_model.json", "listing_card.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_seed_gives_another_model(corpus, tmp_path):
    assert train(corpus, tmp_path / "one").digest != train(corpus, tmp_path / "two", seed=1).digest


def test_a_trained_model_loads_and_tells_its_classes_apart(corpus, tmp_path):
    train(corpus, tmp_path / "out")
    classifier = ListingClassifier.load(tmp_path / "out")
    assert classifier.assess("Roman ring 200 AD", None).score > classifier.assess("Phone 32 GB", None).score


RECORD = {"title": "Fibula", "language": "en", "kind": "museum", "group": "a museum", "label": "antiquity"}


def test_free_records_join_and_others_stay_out(corpus, tmp_path):
    rows = [RECORD | {"licence": "CC0-1.0"}, RECORD | {"title": "Buckle", "licence": "none stated"}]
    records = tmp_path / "records.jsonl"
    records.write_text("".join(json.dumps(row) + "\n" for row in rows))
    train(corpus, tmp_path / "out", records)
    card = json.loads((tmp_path / "out/listing_card.json").read_text())
    assert card["corpus"]["by_origin"]["CC0-1.0"] == 1
    assert not [origin for origin in card["corpus"]["by_origin"] if origin.startswith("none")]


def test_a_corpus_too_thin_to_calibrate_is_refused(tmp_path):
    corpus = composed(tmp_path, THIN)
    with pytest.raises(CorpusError, match="more kinds"):
        train(corpus, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_shipped_card_counts_the_shipped_corpus():
    card = json.loads((MODELS / "listing_card.json").read_text(encoding="utf-8"))
    of_ours = sum(card["corpus"]["by_origin"][origin] for origin in ("written", "composed"))
    assert of_ours == len(load_corpus(CORPUS))
    assert card["model"] == ListingClassifier.load().model
