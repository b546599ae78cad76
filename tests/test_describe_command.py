"""`relicwatch listings describe`: the Object ID sheet at the command line, and what an officer states in it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.crawling import Place
from tests.review.seed import Offer, add_listing


def test_an_officer_states_corrects_and_takes_back(tmp_path: Path, sqlite_template: Path) -> None:
    place = Place(tmp_path / "home", sqlite_template)
    try:
        with place.database.transaction() as session:
            listing = str(add_listing(session, place.home, Offer()).id)

        def sheet() -> dict:
            return json.loads(place.run("listings", "describe", listing, "--json").out)

        describe = ("listings", "describe", listing, "--field", "maker")
        assert sheet()["fields"]["maker"] == {"listing": "not stated", "sources": [], "officer": None, "earlier": []}
        assert place.run(*describe, "--value", "a workshop", "--source", "text:soil traces").status == 0
        done = place.run(*describe, "--value", "another workshop", "--source", "examination:seen at the counter")
        assert "is now 'another workshop'" in done.out
        told = sheet()
        assert told["fields"]["maker"]["officer"]["value"] == "another workshop"
        assert [one["value"] for one in told["fields"]["maker"]["earlier"]] == ["a workshop"]
        assert told["with_officer"]["filled"] == told["completeness"]["filled"] + 1
        for wrong, words in (
            (("--value", "x"), "--source"),
            (("--value", "x", "--source", "hearsay:y"), "none of these"),
            (("--value", "x", "--source", "text:gold"), "letter by letter"),
            (("--take-back", "--value", "x", "--source", "examination:y"), "--take-back"),
        ):
            refused = place.run(*describe, *wrong)
            assert refused.status in (1, 2) and words in refused.err, wrong
        assert place.run(*describe, "--take-back", "--source", "examination:it was not").status == 0
        assert sheet()["fields"]["maker"]["officer"] is None
    finally:
        place.close()
