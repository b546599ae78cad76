"""What two offers say of one object: figures tell it from others of its type, words do not, contradictions stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from matching.object_record import ObjectRecord, sizes_of
from matching.text_keys import asked_keys, kept_keys
from matching.text_likeness import Offer, compare

AT = datetime(2026, 11, 1, tzinfo=UTC)
TEXT = (
    "Silver denarius of Trajan, laureate bust right with drapery on far shoulder, IMP TRAIANO AVG GER DAC, Arabia "
    "standing left with branch and bundle of cinnamon, camel at feet, cabinet toning, small flan crack at two o'clock"
)


def offer(text=TEXT, sizes=(), weight=None, id=1, seller="", **given) -> Offer:
    language = given.pop("language", "en")
    return Offer(
        ObjectRecord(id, text, sizes_mm=sizes_of(sizes), weight_g=weight, language=language), seller=seller, **given
    )


def test_a_copied_text_alone_never_joins_however_long() -> None:
    found = compare(offer(TEXT * 3, seller="A house"), offer(TEXT * 3, seller="B house"))
    assert not found.joins
    assert found.score >= 3


def test_a_weight_told_to_the_hundredth_says_more_than_one_told_to_the_gram() -> None:
    def weight(one: float, other: float) -> float:
        return next(
            (g.weight for g in compare(offer(weight=one), offer(weight=other)).grounds if g.part == "weight"), 0
        )

    assert weight(12.57, 12.57) > weight(12.6, 12.57) > weight(13, 12.57) >= 0
    assert weight(40_000, 40_000) < weight(39_731, 39_731)
    assert weight(12.57, 12.31) < 0


def test_sizes_agree_whichever_way_round_and_in_whichever_unit() -> None:
    one, other = (
        offer(sizes=(119.0, 74.0), weight=212.4),
        offer("صحن", sizes=(74.0, 118.87), weight=212.4, language="ar"),
    )
    assert compare(one, other).score == compare(other, one).score > 5
    assert "size" in compare(one, offer(sizes=(119.0, 102.0))).conflicts


def test_the_same_form_with_other_figures_is_another_thing_of_the_same_seller() -> None:
    one = offer(f"{TEXT} 18.2 mm 3.41 g", seller="Shop of Ali")
    other = offer(f"{TEXT} 18.9 mm 3.18 g", seller="Shop of Ali")
    assert compare(one, other).conflicts == ["figures"]


def test_a_lot_of_a_house_is_itself_on_an_aggregator_and_not_the_lot_of_another_sale() -> None:
    lot = offer(seller="Maison Dupont", lot="214", ends_at=AT, market="house")
    same = offer(seller="Maison Dupont & Fils", lot="Lot 0214", ends_at=AT + timedelta(hours=2), market="aggregator")
    later = offer(seller="Maison Dupont", lot="214", ends_at=AT + timedelta(days=60), market="aggregator")
    next_lot = offer(seller="Maison Dupont", lot="215", ends_at=AT, market="aggregator")
    assert compare(lot, same).joins
    assert not compare(lot, later).joins and not compare(lot, later).conflicts
    assert compare(lot, next_lot).conflicts == ["lot"]


def test_a_photograph_outweighs_a_false_size_and_not_two_offers_at_once() -> None:
    photo = (0.97, True, "143 local features lie at the same places")
    assert compare(offer(sizes=(120.0,)), offer(sizes=(170.0,)), photo).joins
    seen = {"seller": "Ali's shop", "market": "m", "first_seen_at": AT, "last_seen_at": AT + timedelta(days=3)}
    assert compare(offer(**seen), offer(**seen), photo).conflicts == ["at_once"]
    assert not compare(offer(**seen), offer(**seen), photo).joins
    assert not compare(offer(), offer(), (0.8, False, "")).joins


def test_years_prices_and_telephones_are_no_certificate_numbers() -> None:
    text = "made 1999-2006, 3500-3300 BC, call +961 3 123456-789, 60000 USD, 03/123456-789"
    assert offer(text).numbers == frozenset()
    assert offer("NGC certificate 4280543-012").numbers == {"4280543012"}


def test_a_long_text_that_another_seller_has_to_the_word_adds_to_exact_figures_and_not_to_others() -> None:
    exact = {"sizes": (18.2, 17.9), "weight": 3.41}
    said = f"{TEXT} 18.2 x 17.9 mm, 3.41 g"
    one, other = offer(said, seller="House A", **exact), offer(said, seller="Saleroom B", **exact)
    assert compare(one, other).joins
    own = compare(one, offer(said, seller="House A", **exact))
    assert "copy" not in {ground.part for ground in own.grounds}, "sellers copy their own words"
    another = offer(f"{TEXT} 18.2 x 17.9 mm, 3.44 g", seller="Saleroom B", sizes=(18.2, 17.9), weight=3.44)
    assert not compare(one, another).joins
    in_whole = {"sizes": (18.0,), "weight": 3.4}
    assert not compare(offer(seller="House A", **in_whole), offer(seller="Saleroom B", **in_whole)).joins


def test_coins_whose_dies_stand_hours_apart_are_not_joined_though_every_figure_agrees() -> None:
    figures = {"sizes": (25.4, 24.9), "weight": 12.57}
    one = offer("Tetradrachm. 25.4 x 24.9 mm, 12.57 g, 12h", seller="House A", **figures)
    assert compare(one, offer("Tétradrachme. 25.4 x 24.9 mm, 12.57 g, 12h", seller="B", **figures)).joins
    assert not compare(one, offer("Tetradrachm. 25.4 x 24.9 mm, 12.57 g, 5h", seller="B", **figures)).joins


def test_offers_with_the_same_figures_meet_in_the_index_though_no_word_is_shared() -> None:
    kept = kept_keys(offer("Lampe à huile romaine", sizes=(95.0, 62.0), weight=120.0, language="fr"))
    assert set(kept) & set(asked_keys(offer("سراج", sizes=(62.2, 95.25), weight=120.0, language="ar")))
    assert not set(kept) & set(asked_keys(offer("سراج", sizes=(70.0, 40.0), weight=90.0, language="ar")))


FIGURES = st.none() | st.floats(0.001, 1e6)


@given(st.text(max_size=60), st.text(max_size=60), FIGURES, FIGURES, st.lists(st.floats(0.1, 1e5), max_size=6))
def test_any_two_offers_compare_alike_both_ways_and_each_meets_itself(one, other, weight, size, sizes) -> None:
    first, second = offer(one, sizes, weight, seller=other), offer(other, [size] if size else [], weight, seller=one)
    found, back = compare(first, second), compare(second, first)
    assert (found.joins, sorted(found.conflicts)) == (back.joins, sorted(back.conflicts))
    assert set(kept_keys(first)) <= set(asked_keys(first))
    assert all(-(2**63) <= key < 2**63 for key in kept_keys(first))


def test_two_sizes_told_in_inches_are_not_exact_to_the_hundredth_of_a_millimetre() -> None:
    in_inches = compare(offer("one", (103.12, 71.88)), offer("other", (103.12, 71.88), id=2))
    in_millimetres = compare(offer("one", (103.1, 71.9)), offer("other", (103.1, 71.9), id=2))
    assert not in_inches.joins and in_inches.score < in_millimetres.score


def test_one_size_as_told_meets_what_is_of_the_same_type_in_any_language() -> None:
    def told(text: str, id_: int, type_: str) -> Offer:
        return Offer(ObjectRecord(id_, text=text, types=frozenset({type_}), sizes_mm=(69.0,)))

    ours = told("Coptic textile fragment, 69 mm", 1, "textile")
    assert set(asked_keys(ours)) & set(kept_keys(told("قطعة نسيج قبطية ٦٩ مم", 2, "textile")))
    assert not set(asked_keys(ours)) & set(kept_keys(told("خاتم ٦٩ مم", 3, "ring")))
