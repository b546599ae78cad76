from hypothesis import given
from hypothesis import strategies as st

from matching.stated_figures import certificate_numbers, die_axis, inventory_numbers


def test_the_die_axis_is_read_where_a_coins_figures_stand() -> None:
    assert die_axis("AR Denarius (18mm, 3.41 g, 6h). Rome mint.") == 6
    assert die_axis("Drachm. 17.2 mm, 4.10 g, 12 h.") == 12
    assert die_axis("Weight 3.2 g, die axis: 11h") == 11
    assert die_axis("Auction ends in 6 h") is None
    assert die_axis("3.41 g, 6h; the other 3.20 g, 7h") is None, "a lot of two coins has no axis"


def test_numbers_of_a_collection_are_read_and_those_of_catalogues_and_parallels_are_not() -> None:
    assert inventory_numbers("Ex Dr. Hoffmann, Inv. Nr. 4711/88") == {"471188"}
    assert inventory_numbers("collection no. AB 1234") == {"ab1234"}
    assert inventory_numbers("RIC II 207; Sear 3120; SNG Cop 1234") == frozenset()
    assert inventory_numbers("cf. British Museum inv. 1923,0501.17 for a similar lamp") == frozenset()
    assert certificate_numbers("NGC certificate 4280543-012, TL no. 88231") == {"4280543012", "88231"}
    assert certificate_numbers("comes with a certificate, 30 days return, 2024") == frozenset()


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert die_axis(text) in {None, *range(1, 13)}
    assert all(len(number) >= 4 for number in inventory_numbers(text) | certificate_numbers(text))
