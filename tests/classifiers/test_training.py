"""Training: the same corpus gives the same model, a broken corpus is named."""

import json

import pytest

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


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "corpus/banks").mkdir(parents=True)
    (tmp_path / "corpus/banks/en.yaml").write_text(BANK)
    return tmp_path / "corpus"


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


def test_a_written_example_joins_the_corpus(corpus):
    row = {"title": "Roman brick", "language": "en", "label": "antiquity", "kind": "brick"}
    (corpus / "written.jsonl").write_text(json.dumps(row) + "\n")
    assert "Roman brick" in {example.title for example in load_corpus(corpus)}


def test_a_broken_example_is_named_by_file_and_line(corpus):
    (corpus / "written.jsonl").write_text("\n{}\n")
    with pytest.raises(CorpusError, match=r"written\.jsonl, line 2"):
        load_corpus(corpus)


def test_an_unknown_slot_is_named(corpus):
    (corpus / "banks/en.yaml").write_text(BANK.replace("{thing} toy", "{nothing} toy"))
    with pytest.raises(CorpusError, match="'nothing'"):
        load_corpus(corpus)


def test_a_corpus_too_thin_to_calibrate_is_refused(corpus, tmp_path):
    (corpus / "banks/en.yaml").write_text(THIN)
    with pytest.raises(CorpusError, match="more kinds"):
        train(corpus, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_corpus_of_one_label_is_refused(corpus):
    (corpus / "banks/en.yaml").write_text(BANK.replace("not_antiquity", "antiquity"))
    with pytest.raises(CorpusError, match="both labels"):
        load_corpus(corpus)


def test_the_shipped_card_counts_the_shipped_corpus():
    card = json.loads((MODELS / "listing_card.json").read_text(encoding="utf-8"))
    assert card["corpus"]["examples"] == len(load_corpus(CORPUS))
    assert card["model"] == ListingClassifier.load().model
