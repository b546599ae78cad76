"""What tells how to reach a person becomes unreadable; everything else, and the length, stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.masking import BLOCK, mask_contacts, mask_record


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call +961 70 123 456 now", "call ███████████████ now"),
        ("tel. (0033) 1 42-68-53-00.", "tel. ████████████████████."),
        ("اتصل ٠١٢٣٤٥٦٧٨٩ الآن", "اتصل ██████████ الآن"),
        ("write to k.h+x@mail.example today", "write to ██████████████████ today"),
        ("wa.me/96170123456 or https://x.example/karim", "█████████████████ or ███████████████████████"),
        ("ask @karim_h", "ask ████████"),
        ("call 0612345678, now", "call ██████████, now"),
        ("telegram: karimlamps", "████████████████████"),
        ("by Kàrim", "by █████"),
        ("Karim's lamp by KARIM", "█████'s lamp by █████"),
        (
            "about 1200-1150 BC, 12.5 x 30 cm, 240 EUR, lot 1234567",
            "about 1200-1150 BC, 12.5 x 30 cm, 240 EUR, lot 1234567",
        ),
    ],
)
def test_contacts_and_names_are_masked_and_facts_about_the_object_are_not(text: str, masked: str) -> None:
    assert mask_contacts(text, ["Karim"]) == masked


@given(st.text(), st.lists(st.text(max_size=12), max_size=3))
def test_the_length_stays_and_masking_again_changes_nothing(text: str, names: list[str]) -> None:
    once = mask_contacts(text, names)
    assert len(once) == len(text)
    assert all(new in (old, BLOCK) for old, new in zip(text, once, strict=True))
    assert mask_contacts(once, names) == once


@given(st.from_regex(r"\+?[0-9]{8,15}", fullmatch=True), st.text(alphabet="ab ش", max_size=9))
def test_a_number_is_found_wherever_it_stands(number: str, around: str) -> None:
    masked = mask_contacts(f"{around} {number} {around}")
    assert not re.search(r"\d{4}", masked)


def test_a_record_is_masked_wherever_text_stands_in_it() -> None:
    record = {"a": [{"text": "Karim, +961 70 123 456", "start": 3}], "score": 0.5, "none": None}
    assert mask_record(record, ["Karim"]) == {
        "a": [{"text": "█████, ███████████████", "start": 3}],
        "score": 0.5,
        "none": None,
    }
