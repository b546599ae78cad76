"""Copies with parts left out: what a recipient is given, what is proved of the rest, and how a false copy is found."""

from __future__ import annotations

import html
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import UsageError
from crawler.home import Home
from evidence.mutants import Bag
from evidence.recipients import Request, recipients
from evidence.redaction import BLACK, contacts, redact, salted
from evidence.signing import ensure_signing_key
from evidence.verify import verify_bundle
from storage.database import Database
from storage.migrate import upgrade
from tests.evidence.factory import Planted, plant

LANGUAGES = ("en", "fr", "ar")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    root = tmp_path_factory.mktemp("derived")
    database = Database(f"sqlite:///{root / 'db.sqlite3'}")
    upgrade(database)
    yield plant(database, Home(root / "home"), root / "out")
    database.dispose()


@pytest.fixture(scope="module")
def copies(planted: Planted) -> dict[str, Any]:
    """For each recipient, what was exported for them."""
    return {
        name: planted.export(languages=LANGUAGES, request=Request(name, handling="RESTRICTED")) for name in recipients()
    }


def names_in(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as package:
        return {name.partition("/")[2] for name in package.namelist()}


def read(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as package:
        return package.read(next(one for one in package.namelist() if one.endswith(f"/{name}")))


@pytest.mark.parametrize("name", ["police", "customs", "ministry", "platform", "expert"])
def test_each_recipient_gets_what_is_theirs_and_it_verifies(copies: dict[str, Any], name: str) -> None:  # EV-42
    bundle, recipient = copies[name], recipients()[name]
    result = verify_bundle(bundle.path)
    assert result.status == "valid", result.faults
    names = names_in(bundle.path)
    assert ("data/analysis/001.json" in names) is ("analysis" not in recipient.withheld)
    assert ("data/decisions/001.json" in names) is ("decisions" not in recipient.withheld)
    assert ("data/custody/custody.json" in names) is ("custody" not in recipient.withheld)
    assert ("data/items/001/capture/001.wacz" in names) is ("captures" not in recipient.withheld)
    assert any(one.startswith("data/items/001/images/") for one in names)
    assert (bundle.original is None) is (not recipient.withheld)
    index = html.unescape(read(bundle.path, "index.html").decode())
    assert all(recipient.name[language] in index and recipient.ask[language] in index for language in LANGUAGES)
    assert index.count("RESTRICTED") == len(LANGUAGES)
    assert ("This is a copy with parts left out" in index) is bool(recipient.withheld)
    assert "<built-in" not in index  # a word of the templates that names a method of its mapping
    assert json.loads(read(bundle.path, "data/request.json"))["recipient"] == name


def test_no_trace_of_the_seller_is_in_an_expert_s_copy(planted: Planted, copies: dict[str, Any]) -> None:  # EV-42
    original = json.loads(read(copies["expert"].original, "data/items/001/item.json"))
    shown = original["captured_fact"]["shown"]["seller"]
    told = [value for value in shown.values() if value]
    assert told, "the planted listing names a seller"
    with zipfile.ZipFile(copies["expert"].path) as package:
        whole = b"".join(package.read(name) for name in package.namelist()).decode("utf-8", "replace")
    assert [value for value in told if value in whole] == []
    assert original["salt"] not in whole


def test_the_copy_lists_each_part_by_the_hash_it_has_in_the_original(copies: dict[str, Any]) -> None:  # EV-42
    copy, original = copies["expert"].path, copies["expert"].original
    assert verify_bundle(original).status == "valid"
    manifest = dict(reversed(line.split("  ")) for line in read(original, "manifest-sha256.txt").decode().splitlines())
    record = json.loads(read(copy, "data/redaction.json"))
    assert record["left_out"] and record["changed"]
    for one in (*record["left_out"], *record["changed"]):
        assert manifest[one["file"]] == one["sha256"]
    assert manifest.keys() - {one["file"] for one in record["left_out"]} <= names_in(copy)


@pytest.mark.parametrize("name", ["ministry", "platform", "expert"])
def test_a_copy_is_compared_with_its_original_and_no_other(copies: dict[str, Any], name: str) -> None:  # EV-42
    copy, original = copies[name].path, copies[name].original
    assert verify_bundle(copy, against=original).status == "valid"
    other = next(copies[one].original for one in ("ministry", "platform", "expert") if one != name)
    assert {fault.rule for fault in verify_bundle(copy, against=other).faults} == {"redaction.original"}
    assert {fault.rule for fault in verify_bundle(original, against=copy).faults} == {"redaction.original"}
    with pytest.raises(UsageError, match="cannot be read"):
        verify_bundle(copy, against=copy.parent / "nothing.zip")


def test_anyone_may_be_given_a_redacted_copy(planted: Planted) -> None:  # EV-42
    bundle = planted.export(request=Request(redact=True))
    result = verify_bundle(bundle.path, against=bundle.original)
    assert (result.status, result.copy_of is not None) == ("valid", True)
    assert any(name.endswith("capture/001.wacz") for name in result.left_out)
    assert "data/analysis/001.json" in names_in(bundle.path)


def seller_back(record: dict[str, Any]) -> None:
    record["captured_fact"]["shown"]["seller"]["name_as_shown"] = "somebody"


def edit(name: str, change: Callable[[Any], object]) -> Callable[[Bag], object]:
    return lambda bag: bag.edit_json(name, change)


FALSE_COPIES: dict[str, tuple[str, Callable[[Bag], object]]] = {
    "list gone": ("redaction.named", lambda bag: (bag.root / "data/redaction.json").unlink()),
    "list of nothing": ("redaction.form", edit("data/redaction.json", lambda r: r.update(withheld=[]))),
    "list of another form": ("redaction.form", edit("data/redaction.json", lambda r: r.update(format="x"))),
    "other original": (
        "redaction.named",
        edit("data/redaction.json", lambda r: r["original"].update(tag_manifest_sha256="0" * 64)),
    ),
    "not said in bag-info.txt": (
        "redaction.named",
        lambda bag: bag.edit(
            "bag-info.txt", lambda d: b"".join(x for x in d.splitlines(True) if b"Derived-From" not in x)
        ),
    ),
    "left-out file is there": ("redaction.kept", lambda bag: bag.write("data/analysis/001.json", b"{}\n")),
    "more left out than withheld": (
        "redaction.kept",
        edit(
            "data/redaction.json",
            lambda r: r["left_out"].append({"file": "data/items/001/item.json.x", "sha256": "0" * 64}),
        ),
    ),
    "removed value is back": ("redaction.changed", edit("data/items/001/item.json", seller_back)),
    "salt is back": ("redaction.changed", edit("data/items/001/item.json", lambda i: i.update(salt="0" * 32))),
    "picture of another digest": (
        "item.digest",
        edit("data/items/001/item.json", lambda i: i["captured_fact"]["images"][0].update(sha256="0" * 64)),
    ),
    "picture that nothing names": ("item.unnamed", lambda bag: bag.write("data/items/001/images/image-099.png", b"x")),
    "item sheet gone": ("place.missing", lambda bag: (bag.root / "data/items/001/object-id.json").unlink()),
}


@pytest.mark.parametrize("harm", FALSE_COPIES)
def test_a_false_copy_is_found_by_its_own_rule(
    copies: dict[str, Any], planted: Planted, tmp_path: Path, harm: str
) -> None:  # EV-26, EV-42
    rule, change = FALSE_COPIES[harm]
    with zipfile.ZipFile(copies["expert"].path) as package:
        package.extractall(tmp_path)
    bag = Bag(next(tmp_path.iterdir()))
    change(bag)
    bag.reseal(ensure_signing_key(planted.home))
    assert rule in {fault.rule for fault in verify_bundle(bag.root).faults}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("data/items/001/item.json", lambda i: i["captured_fact"]["shown"].update(title="another")),
        ("data/items/001/object-id.json", lambda o: o["fields"].clear()),
        ("data/redaction.json", lambda r: r["left_out"][0].update(sha256="0" * 64)),
        ("data/redaction.json", lambda r: r["changed"][0]["places"].append("/nowhere")),
    ],
)
def test_a_copy_that_says_more_or_else_than_the_original_is_found_beside_it(
    copies: dict[str, Any], planted: Planted, tmp_path: Path, name: str, change: Callable[[Any], object]
) -> None:  # EV-42
    with zipfile.ZipFile(copies["expert"].path) as package:
        package.extractall(tmp_path)
    bag = Bag(next(tmp_path.iterdir()))
    bag.edit_json(name, change)
    bag.reseal(ensure_signing_key(planted.home))
    faults = verify_bundle(bag.root, against=copies["expert"].original).faults
    assert "redaction.original" in {fault.rule for fault in faults}


@pytest.mark.parametrize(
    "text",
    [
        "call +33 6 12 34 56 78 now",
        "0612345678",
        "هاتف ٠١٠١٢٣٤٥٦٧٨",
        "mail jean.dupont@example.fr",
        "https://wa.me/33612345678",
        "t.me/antikcoins",
        "insta @coin_hunter",
        "Tel: (020) 7946-0958",
    ],
)
def test_ways_to_reach_a_person_are_found(text: str) -> None:
    assert list(contacts(text))


@pytest.mark.parametrize(
    "text",
    [
        "12 x 30 cm, 350 g",
        "1200-1500 €",
        "RIC 230, 3.41 g",
        "2026-11-27",
        "664-332 BC",
        "lot 1234567",
        "AD 117-138",
        "12.5.1999 - 13.6.2001",
    ],
)
def test_sizes_prices_and_dates_are_none(text: str) -> None:
    assert list(contacts(text)) == []


KEYS = ["title", "seller", "note", "x/y", "a~b", "salt", "changes", "captured_fact"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["title", "seller", "captured_fact", "observations"]), json_values))
def test_redacting_twice_changes_nothing_more_and_any_record_can_be_redacted(record: dict[str, Any]) -> None:
    withheld = frozenset(("seller", "captures"))
    once, _ = redact(salted(record, b"secret"), withheld, frozenset({"Ahmed"}))
    twice, places = redact(once, withheld, frozenset({"Ahmed"}))
    assert twice == once
    assert places == []
    assert "salt" not in once


def test_a_name_is_blacked_out_in_the_text_and_the_words_beside_it_stay_in_place() -> None:
    record = {"description": "Ask AHMED in Cairo", "reasons": [{"text": "Cairo", "start": 13}]}
    black, places = redact(record, frozenset(("seller",)), frozenset({"Ahmed"}))
    assert black["description"] == f"Ask {BLACK * 5} in Cairo"
    assert places == ["/description"]


def test_words_that_no_cover_holds_are_refused() -> None:
    with pytest.raises(UsageError, match="--handling"):
        Request("police", handling=" ")
    with pytest.raises(UsageError, match="no recipient"):
        Request("baker")  # type: ignore[arg-type]
