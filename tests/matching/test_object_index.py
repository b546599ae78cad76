"""Comparing objects: what is rare says most, nothing rules out, and each part tells what stood on either side."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from matching.object_index import ObjectIndex
from matching.object_record import ObjectRecord, number_key, number_keys_in, words_of

LAMP = ObjectRecord(
    1,
    text="Terracotta lamp with a gladiator on the discus, chipped nozzle",
    types=frozenset({"oil_lamp"}),
    materials=frozenset({"terracotta"}),
    periods=frozenset({"roman"}),
    sizes_mm=(93.0, 71.0),
    numbers=("IM 47.112",),
    inscription="FORTIS",
    language="en",
)


def crowd(count: int = 60) -> list[ObjectRecord]:
    """Other lamps, each of its own size and words."""
    animals = ("lion", "eagle", "boar", "hare", "rosette", "cupid")
    return [
        replace(
            LAMP,
            id=100 + number,
            text=f"Roman lamp, {animals[number % 6]} on top, piece {number}",
            sizes_mm=(60.0 + number, 50.0 + number / 3),
            numbers=(f"X{5000 + number}",),
            inscription="",
        )
        for number in range(count)
    ]


def best(offer: ObjectRecord, *records: ObjectRecord) -> tuple[int, dict[str, float]]:
    first = ObjectIndex([*crowd(), *records]).find(offer)[0]
    return first.id, {reason.part: reason.weight for reason in first.reasons}


def test_the_same_object_in_other_words_is_found_by_size_and_motif() -> None:
    offer = ObjectRecord(
        9, text="Old oil lamp, gladiator scene, nozzle damaged", types=frozenset({"oil_lamp"}), sizes_mm=(71.0, 93.0)
    )
    found, parts = best(offer, LAMP)
    assert found == LAMP.id
    assert parts["size"] > 4
    assert parts["words"] > 1


def test_an_altered_title_and_an_altered_size_still_leave_the_object_first() -> None:
    offer = ObjectRecord(
        9,
        text="Bronze figurine. gladiator, discus, chipped nozzle",
        types=frozenset({"figurine"}),
        sizes_mm=(143.0, 71.0),
    )
    assert best(offer, LAMP)[0] == LAMP.id


def test_an_inventory_number_is_found_however_it_is_written() -> None:
    for text in ("museum mark IM-47112 under the foot", "im 47 112", "I.M.47112"):
        found, parts = best(ObjectRecord(9, text=text), LAMP)
        assert (found, parts["number"] > 8) == (LAMP.id, True), text


def test_an_inscription_is_found_in_running_text() -> None:
    found, parts = best(ObjectRecord(9, text="stamped FORTIS on the base"), LAMP)
    assert found == LAMP.id
    assert parts["inscription"] > 2


def test_a_type_says_much_where_it_is_rare_and_little_where_all_have_it() -> None:
    offer = ObjectRecord(9, types=frozenset({"oil_lamp"}))
    coins = [replace(one, types=frozenset({"ancient_coin"}), numbers=()) for one in crowd()]
    among_coins = ObjectIndex([LAMP, *coins]).find(offer)[0]
    among_lamps = ObjectIndex([LAMP, *crowd()]).find(offer)
    assert among_coins.id == LAMP.id
    assert among_coins.score > 1
    assert all(one.score < 0.5 for one in among_lamps)


def test_words_of_another_language_say_nothing_against() -> None:
    offer = replace(LAMP, id=9, text="سراج فخاري روماني", language="ar", numbers=(), inscription="")
    parts = best(offer, LAMP)[1]
    assert parts.get("words", 0) >= 0


def test_foils_are_counted_with_and_never_found() -> None:
    offer = ObjectRecord(9, text=LAMP.text, types=LAMP.types, sizes_mm=LAMP.sizes_mm)
    index = ObjectIndex([LAMP], foils=crowd())
    (found,) = index.find(offer)
    assert found.id == LAMP.id
    assert found.score > max((one.score for one in ObjectIndex([LAMP]).find(offer)), default=0.0)


def test_an_empty_index_finds_nothing_and_an_empty_offer_finds_nobody() -> None:
    assert ObjectIndex([]).find(LAMP) == []
    assert ObjectIndex([LAMP], foils=crowd()).find(ObjectRecord(9)) == []


def test_a_number_too_short_to_tell_is_none() -> None:
    assert number_key("12") is None
    assert number_key("IM 7") is None
    assert number_key("1234") is None
    assert number_key("ك ٤٧١١٢") == number_key("ك-47112")
    assert "im47112" in number_keys_in("lot 3: IM 47112, H. 12 cm")


def test_words_meet_across_inflections() -> None:
    assert words_of("inscribed tablets") & words_of("inscription tablette")


@given(st.text(max_size=200), st.lists(st.floats(0.01, 1e5), max_size=8))
def test_any_text_and_sizes_are_compared(text: str, sizes: list[float]) -> None:
    offer = ObjectRecord(9, text=text, sizes_mm=tuple(sizes), inscription=text)
    for one in ObjectIndex([LAMP], foils=crowd(5)).find(offer):
        assert one.score == one.score  # no NaN
