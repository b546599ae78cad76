"""What the shipped classifier says of listings: scores, flags and reasons."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.normalise import fold
from classifiers.reasons import MOST_REASONS

ANTIQUITIES = [
    ("Egyptian faience ushabti, Late Period, 664-332 BC", "H. 11 cm, repaired. Old private collection."),
    ("Hadrian AR denarius, Rome, Salus seated left", "3,31 g, 18 mm. RIC 137. VF"),
    ("Uncleaned Roman coins x 40 straight from the ground", None),
    ("Old Babylonian clay tablet with cuneiform text, c. 1800 BC", "A receipt for barley. 5.2 cm."),
    ("Lampe à huile romaine en terre cuite, Ier siècle", "Col cassé collé, 9 cm, trouvée dans un champ"),
    ("Tibère, denier, Lugdunum, 3,78 g", None),
    ("Oushebti en faïence bleue, Basse Époque", "H. 12 cm, ancienne collection"),
    ("ختم أسطواني بابلي من الهيماتيت", "القرن الثامن عشر قبل الميلاد، ارتفاعه 3 سم"),
    ("تمثال فرعوني طالع من الأرض للجادين فقط", None),
    ("عملات رومانية وبيزنطية عليها تراب", "للبيع، التواصل خاص"),
    ("Tetradramma di Siracusa, V secolo a.C.", "17,1 g, bella patina"),
    ("Römische Öllampe, Terrakotta, 2. Jh. n. Chr.", "Aus alter Sammlung"),
]
NO_ANTIQUITIES = [
    ("Replica Roman oil lamp, museum reproduction", "Hand made in our workshop, gift boxed"),
    ("Egyptian Anubis statue resin home decor 20 cm", "Brand new, free shipping"),
    ("Réplique de casque romain, laiton", "Neuf, pour reconstitution historique"),
    ("Statuette Bastet en résine, souvenir d'Égypte", "Livraison gratuite"),
    ("نسخة طبق الأصل من تمثال نفرتيتي جبس", "ديكور للمنزل، توصيل مجاني"),
    ("تمثال فرعوني ديكور ريزن مجسم", "متوفر كمية، شحن سريع"),
    ("Lego Ancient Rome set 500 pieces", None),
    ("Livre : les Romains, catalogue d'exposition, broché", None),
    ("Samsung Galaxy phone 128 GB", "Used, good condition"),
    ("شقة للايجار ثلاث غرف", None),
    ("Commode Louis XV en noyer, XVIIIe siècle", "Hauteur 85 cm"),
    ("View of Tivoli", "Graphite on paper, 1819, support: 189 x 113 mm"),
    ("", None),
    ("   ", ""),
]


@pytest.mark.parametrize(("title", "description"), ANTIQUITIES)
def test_an_antiquity_is_flagged_with_a_reason_for_it(classifier, title, description):
    assessment = classifier.assess(title, description)
    assert assessment.flagged, assessment.score
    assert any(reason.weight > 0 for reason in assessment.reasons)


@pytest.mark.parametrize(("title", "description"), NO_ANTIQUITIES)
def test_a_look_alike_or_other_goods_are_not_flagged(classifier, title, description):
    assessment = classifier.assess(title, description)
    assert not assessment.flagged, assessment.score


def test_the_word_replica_speaks_against(classifier):
    plain = classifier.assess("Roman oil lamp in terracotta", None)
    replica = classifier.assess("Roman oil lamp in terracotta, replica", None)
    assert replica.score < plain.score
    [reason] = [reason for reason in replica.reasons if reason.text == "replica"]
    assert reason.weight < 0
    assert reason.rule == "replica:explicit_replica"


def test_a_modern_date_counts_less_than_an_ancient_one(classifier):
    assert classifier.assess("Bronze figure", "2nd century AD").score > classifier.assess("Bronze figure", "1939").score


def test_bands_follow_the_score(classifier):
    thresholds = classifier.weights.thresholds
    for title, description in ANTIQUITIES + NO_ANTIQUITIES:
        assessment = classifier.assess(title, description)
        if assessment.score >= thresholds.strong:
            assert assessment.band == "strong"
        elif assessment.score >= thresholds.medium:
            assert assessment.band == "medium"
        else:
            assert assessment.band == "weak"


def test_many_at_once_are_assessed_like_one_at_a_time(classifier):
    many = list(classifier.assess_many(ANTIQUITIES + NO_ANTIQUITIES))
    assert many == [classifier.assess(*listing) for listing in ANTIQUITIES + NO_ANTIQUITIES]


ASKED = [
    ("تمثال برونزي روماني من الحفر، السعر ٥٠٠٠", " دولار"),
    ("تمثال روماني", "، السعر ١٨٠٠ دولار"),
    ("Roman bronze statue from digging, price 5000", " dollars"),
    ("Roman bronze ring", ", $1900"),
    ("Anneau romain en bronze", ", 1900 francs"),
    ("Römischer Ring aus Bronze", ", 1800 Euro"),
    ("Anillo romano de bronce", ", 1900 pesos"),
    ("Anello romano in bronzo", ", lire 1.900.000"),
    ("Roma bronz heykel, fiyat 5000", " lira"),
]


@pytest.mark.parametrize(("offer", "price"), ASKED)
def test_what_is_asked_for_an_antiquity_says_nothing_against_it(classifier, offer, price):
    plain, priced = classifier.assess(offer, None), classifier.assess(offer + price, None)
    assert priced.flagged
    assert priced.score > plain.score - 0.03
    assert not [reason for reason in priced.reasons if reason.rule.startswith("later:")]


ORDINARY_WITH_RED_FLAGS = [
    ("جوال مستعمل نظيف 256 جيجا", "واتساب فقط، بدون أوراق، يد بيد، للجادين فقط"),
    ("غسالة أوتوماتيك للبيع", "التواصل على الخاص، كاش فقط"),
    ("Washing machine, WhatsApp only", "no paperwork, cash only, serious buyers only"),
    ("Téléphone d'occasion", "sans papiers, contact WhatsApp, espèces uniquement"),
    ("خزانة ملابس خشب حفر يدوي", "محفورة، العرض 160 سم، واتساب"),
]


@pytest.mark.parametrize(("title", "description"), ORDINARY_WITH_RED_FLAGS)
def test_red_flags_of_the_sale_make_no_antiquity(classifier, title, description):
    assert classifier.assess(title, description).score < 0.1


def test_red_flags_are_named_as_labels_and_reasons_and_hardly_weigh(classifier):
    plain = classifier.assess("Roman bronze ring", "2nd century AD")
    flags = classifier.assess("Roman bronze ring", "2nd century AD, no paperwork, WhatsApp only")
    assert {"risk:no_provenance", "risk:move_to_private_chat"} <= set(flags.labels)
    risk = [reason for reason in flags.reasons if reason.rule.startswith("risk:")]
    assert {reason.text for reason in risk} == {"no paperwork", "WhatsApp only"}
    assert all(0 < reason.weight <= 0.1 for reason in risk)
    assert abs(flags.score - plain.score) < 0.05


@pytest.mark.parametrize(
    ("title", "description"),
    [
        (
            "Roman terracotta oil lamp with gladiator, North Africa",
            "Nozzle blackened, 1st-2nd century AD. Roman bronze.",
        ),
        ("Lampe à huile romaine avec son bec, de la collection d'un amateur", "Trouvée dans un champ, avec les 3 pots"),
        ("تمثال من البرونز عليه كتابة", "من مجموعة خاصة، هذا من العصر الروماني 12"),
        ("Römische Lampe mit dem Bild des Gottes", "Aus der alten Sammlung von 2 Brüdern"),
        ("Lucerna romana con figura di un leone", "Dalla collezione di una famiglia"),
        ("Moneda romana de plata con el busto", "De la colección de un amigo"),
        ("Roma sikkesi ve bir yüzük", "Bu eser için koleksiyondan"),
    ],
)
def test_no_grammar_and_no_bare_number_stands_as_a_reason(classifier, title, description):
    assessment = classifier.assess(title, description)
    assert assessment.reasons
    for reason in assessment.reasons:
        assert fold(reason.text) not in classifier.lexicon.function_words
        if reason.rule == "words":
            assert not any(character.isdigit() for character in reason.text)
            assert any(character.isalpha() for character in reason.text)


@pytest.mark.parametrize("words", ["oil lamp", "ushabti", "cylinder seal", "amphora", "bronze brooch"])
@pytest.mark.parametrize("rest", ["", ", replica", " for sale, new"])
def test_the_name_of_an_ancient_object_never_speaks_against_it(classifier, words, rest):
    for reason in classifier.assess(f"Roman {words}{rest}", None).reasons:
        if reason.rule.partition(":")[0] in ("object", "thing", "period"):
            assert reason.weight >= 0, reason


def test_words_spelled_letter_by_letter_are_read_and_quoted_as_they_stand(classifier):
    assessment = classifier.assess("آ ث ا ر فرعونية للبيع", None)
    assert assessment.flagged
    assert "آ ث ا ر" in {reason.text for reason in assessment.reasons}
    assert "slang:ar_general" in {reason.rule for reason in assessment.reasons}
    spelled = classifier.assess("R.o.m.a.n denarius", None)
    assert "period:roman" in spelled.labels
    assert any(reason.text.startswith("R.o.m.a.n") for reason in spelled.reasons)
    assert "period:roman" not in classifier.assess("Plan A, B, C and D: 4 r o m", None).labels


def check_reasons(title, description, assessment):
    texts = {"title": title, "description": description or ""}
    assert 0 <= assessment.score <= 1
    assert len(assessment.reasons) <= MOST_REASONS
    weights = [abs(reason.weight) for reason in assessment.reasons]
    assert weights == sorted(weights, reverse=True)
    for reason in assessment.reasons:
        assert reason.text == texts[reason.field][reason.start : reason.end]
        assert reason.start < reason.end
    for one in assessment.reasons:
        for other in assessment.reasons:
            if one is not other and one.field == other.field:
                assert one.end <= other.start or other.end <= one.start
    if assessment.flagged:
        assert any(reason.weight > 0 for reason in assessment.reasons)


PIECES = st.sampled_from(
    [
        "تِمْثَالٌ رُومَانِيٌّ",
        "آثَـــار",
        "ﺟﺮﺓ",
        "٣٫٧٨ غ",
        "Égypte",
        "égyptien",
        "ΔΙΟΔ",
        "🏺",
        "⚱️",
        "\u200bRoman\u200d",
        "coin",
        "ﷺ",
        "ﬁgurine",
        "denarius",
        "3,78 g",
        "replica",
        "av. J.-C.",
        "IIe siècle",
        "القرن الثاني",
        "\u202eabc\u202c",
        "İznik",
        "½",
        "\n",
        " ",
    ]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=14).map(" ".join)


@settings(max_examples=250, deadline=None)
@given(title=TEXTS, description=st.one_of(st.none(), TEXTS))
def test_reasons_quote_the_text_as_it_was_given(classifier, title, description):
    check_reasons(title, description, classifier.assess(title, description))


def test_a_very_long_description_is_assessed_in_its_beginning(classifier):
    description = "Roman bronze ring, 2nd century AD. " * 20_000
    check_reasons("Ring", description, classifier.assess("Ring", description))


def test_the_weights_of_all_parts_add_up_to_the_score(classifier):
    title = "Roman bronze ring"
    assessment = classifier.assess(title, None)
    without = classifier.assess("bronze ring", None)
    roman = next(reason for reason in assessment.reasons if "Roman" in reason.text)
    assert (roman.weight > 0) == (assessment.score > without.score)


DEV = Path(__file__).parents[3] / "shared/data/listings/dev.jsonl"


@pytest.mark.needs_shared("data/listings/dev.jsonl")
def test_on_validation_listings_antiquities_stand_above_the_rest(classifier):
    rows = [json.loads(line) for line in DEV.read_text(encoding="utf-8").splitlines()]
    rows = random.Random(1).sample(rows, 2000)
    found = list(classifier.assess_many((row["title"], row["description"]) for row in rows))
    counts = Counter((row["label"], a.flagged) for row, a in zip(rows, found, strict=True))
    flagged = counts["antiquity", True] + counts["not_antiquity", True]
    assert counts["antiquity", True] / flagged > 0.9
    assert counts["antiquity", True] / (counts["antiquity", True] + counts["antiquity", False]) > 0.7
    for row, assessment in zip(rows, found, strict=True):
        check_reasons(row["title"], row["description"], assessment)


def test_a_reason_s_weight_does_not_depend_on_the_batch(classifier):
    listings = [
        ("5 francs Louis XVIII buste habillé - 1814", "Argent, diamètre 37 mm, 24,89 g"),
        ("Écu à la cravate, 1er type, 4e buste de Bordeaux, 1682", "Argent, 27,11 g, Louis XIV"),
        ("Denarius of Hadrian", "Silver, 3.21 g, RIC 12"),
    ] * 20
    alone = [classifier.assess(*listing) for listing in listings]
    assert list(classifier.assess_many(listings)) == alone
