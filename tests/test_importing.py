"""Importing what an officer saved, from the file to the listing, its evidence and a bundle that verifies."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

import importing
from crawler.errors import UsageError
from crawler.home import Home
from evidence.bundle import export_bundle
from evidence.saved_files import SavedBy
from evidence.segments import find_members
from evidence.signing import ensure_signing_key
from evidence.verification import NOT_FROM_THE_SITE
from evidence.verify import verify_bundle
from importing import Importer
from markets.catalog import UnknownMarket, get_market
from storage.audit import AuditChain
from storage.database import Database
from storage.imports import NotFetchable, check_fetchable
from storage.queue import queue_places
from storage.queue_filters import Filters
from storage.tables import Assessment, AuditEvent, Capture, Job, Listing, Observation, Segment, Seller
from tests.crawler.saved.test_mhtml import mhtml
from tests.crawler.saved.test_telegram import HTML, entry
from tests.crawler.saved.test_web_archives import warc
from tests.crawler.saved.test_zips import zipped
from tests.crawling import Place
from tests.evidence.factory import png

SAVED_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
URL = "https://shop.example/lot/7"
TITLE = "Ancient Roman terracotta oil lamp, excavated near Palmyra"
PAGE = f"""<!-- saved from url=(0026){URL} -->
<html><head><meta charset="utf-8"><title>{TITLE}</title>
<meta property="product:price:amount" content="200"><meta property="product:price:currency" content="USD"></head>
<body><h1>{TITLE}</h1><p class="price">$200</p><img src="lot_files/photo.png" width="600" height="400">
<p>Roman oil lamp, 2nd century AD, dug up near Palmyra, soil still inside, no papers.</p></body></html>"""
PICTURE = png(10, 20, 30, 600, 400)
CHAT = (
    "[20/11/2026, 14:03:22] +963 11 222: \u200e<attached: 0001-PHOTO.png>\n"
    "[20/11/2026, 14:03:40] +963 11 222: تمثال روماني أثري من الحفر، السعر ٥٠٠ دولار\n"
    "[20/11/2026, 15:00:00] Omar: good evening to everybody here\n"
)
TELEGRAM = {"name": "Souk", "type": "x", "id": 4, "messages": [entry(5, text=f"{TITLE} 200 $", photo="photos/p.png")]}

Write = Callable[[Path], Path]


def written(name: str, body: bytes | str) -> Write:
    def write(directory: Path) -> Path:
        path = directory / name
        path.write_bytes(body if isinstance(body, bytes) else body.encode())
        return path

    return write


def write_page_with_folder(directory: Path) -> Path:
    (directory / "lot_files").mkdir()
    (directory / "lot_files" / "photo.png").write_bytes(PICTURE)
    return written("lot.html", PAGE)(directory)


def write_telegram_directory(directory: Path) -> Path:
    (directory / "photos").mkdir()
    (directory / "photos" / "p.png").write_bytes(PICTURE)
    return written("result.json", json.dumps(TELEGRAM))(directory)


def write_unpacked_chat(directory: Path) -> Path:
    (directory / "0001-PHOTO.png").write_bytes(PICTURE)
    return written("_chat.txt", CHAT)(directory)


FORMATS: dict[str, tuple[Write, str, str | None, bool]] = {
    # name: (writer, kind, title, photograph?)
    "page": (written("lot.html", PAGE), "page", TITLE, False),
    "page with its folder": (write_page_with_folder, "page", TITLE, True),
    "page in UTF-16": (written("lot.htm", PAGE.replace("utf-8", "utf-16").encode("utf-16")), "page", TITLE, False),
    "mhtml": (
        written("lot.mhtml", mhtml(PAGE.replace("lot_files/photo.png", f"{URL}/photo.png"), picture=PICTURE)),
        "page",
        TITLE,
        True,
    ),
    "json": (
        written(
            "lot.json",
            json.dumps(
                {
                    "item": {
                        "id": 7,
                        "title": TITLE,
                        "description": "Soil still inside.",
                        "price": 200,
                        "currency": "USD",
                    }
                }
            ),
        ),
        "page",
        TITLE,
        False,
    ),
    "warc": (
        written(
            "lot.warc.gz",
            warc(
                (URL, "200 OK", "text/html", PAGE.replace("lot_files/photo.png", "/lot_files/photo.png").encode()),
                ("https://shop.example/lot_files/photo.png", "200 OK", "image/png", PICTURE),
            ),
        ),
        "page",
        TITLE,
        True,
    ),
    "wacz": (
        written(
            "lot.wacz",
            zipped(
                ("archive/a.warc", warc((URL, "200 OK", "text/html", PAGE.encode()), packed=False)),
                ("datapackage.json", b"{}"),
            ),
        ),
        "page",
        TITLE,
        False,
    ),
    "whatsapp": (
        written("WhatsApp.zip", zipped(("_chat.txt", CHAT.encode()), ("0001-PHOTO.png", PICTURE))),
        "whatsapp",
        "تمثال روماني أثري من الحفر، السعر ٥٠٠ دولار",
        True,
    ),
    "telegram json": (
        written("t.zip", zipped(("E/result.json", json.dumps(TELEGRAM).encode()), ("E/photos/p.png", PICTURE))),
        "telegram",
        f"{TITLE} 200 $",
        True,
    ),
    "telegram html": (
        written(
            "t.zip",
            zipped(
                ("E/messages.html", HTML.replace("Greek coin", "Yes").encode()), ("E/photos/photo_1@2.jpg", PICTURE)
            ),
        ),
        "telegram",
        "Roman lamp",
        True,
    ),
    "telegram directory": (write_telegram_directory, "telegram", f"{TITLE} 200 $", True),
    "whatsapp unpacked": (write_unpacked_chat, "whatsapp", "تمثال روماني أثري من الحفر، السعر ٥٠٠ دولار", True),
    "screenshot": (written("Roman lamp of Omar.png", PICTURE), "picture", "Roman lamp of Omar", True),
    "screenshot named by a phone": (written("Screenshot_20261120-140322.png", PICTURE), "picture", None, True),
}


def importer(database: Database, home: Home, **more: Any) -> Importer:
    saved_by = SavedBy("Amina Haddad", more.pop("saved_at", SAVED_AT), "karim")
    return Importer(database, home, saved_by=saved_by, chain=AuditChain(), **more)


def count(database: Database, *tables: Any) -> list[int]:
    with database.reading() as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_becomes_a_listing_with_evidence_and_a_bundle_that_verifies(
    name: str, place: Place, tmp_path: Path
) -> None:
    write, kind, title, has_photo = FORMATS[name]
    saved = tmp_path / "saved"
    saved.mkdir()
    path = write(saved)
    [result] = importer(place.database, place.home).import_path(saved)
    assert result.error is None
    assert result.kind == kind
    [kept] = result.listings
    assert kept.is_new
    with place.database.reading() as session:
        listing = session.get_one(Listing, kept.listing_id)
        seen = session.get_one(Observation, listing.current_observation_id)
        assert seen.title == title
        assert seen.observed_at == listing.first_seen_at == SAVED_AT
        assert session.get_one(Assessment, listing.current_assessment_id).observation_id == seen.id
        captures = {one.kind: one for one in session.scalars(select(Capture).where(Capture.listing_id == listing.id))}
        assert set(captures) == ({"saved_file", "saved_photo", "thumbnail"} if has_photo else {"saved_file"})
        original = captures["saved_file"]
        assert original.sha256 == result.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert original.note is not None and "Saved by Amina Haddad on 2026-11-20 12:00:00 UTC" in original.note
        segment = session.get_one(Segment, original.segment_id)
        if has_photo:
            assert place.home.file_path(captures["saved_photo"].sha256).read_bytes() == PICTURE
        about = [(e.actor, e.action) for e in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]
        assert about == [("karim", "saved file sealed"), ("karim", "imported")]
    records = [one for one in find_members(place.home.evidence / segment.name) if one.type == "resource"]
    assert records[0].block == path.read_bytes()
    ensure_signing_key(place.home)
    bundle = export_bundle(
        place.database,
        place.home,
        chain=AuditChain(),
        actor="karim",
        to=tmp_path / "out",
        listing_id=kept.listing_id,
        languages=("en", "fr", "ar"),
    )
    verified = verify_bundle(bundle.path)
    assert verified.faults == []
    assert verified.status == "valid"
    assert NOT_FROM_THE_SITE in verified.not_checked
    with zipfile.ZipFile(bundle.path) as package:
        item = json.loads(package.read(next(n for n in package.namelist() if n.endswith("item.json"))))
    assert "saved by an officer: Saved by Amina Haddad" in item["captured_fact"]["collector"][0]


def test_values_and_sellers_of_a_chat_are_kept_with_where_they_stand(
    database: Database, home: Home, tmp_path: Path
) -> None:
    path = FORMATS["whatsapp"][0](tmp_path)
    result = importer(database, home).import_file(path)
    assert result.listings[0].flagged
    with database.reading() as session:
        seen = session.scalars(select(Observation)).one()
        assert (seen.price, seen.currency, seen.seller_name) == (500, "USD", "+963 11 222")
        assert seen.sources["price"] == "whatsapp:line 1, sent 20/11/2026 14:03:22 as the export shows it"
        [shown] = queue_places(session, Filters())
        assert shown.listing_id == result.listings[0].listing_id


def test_a_picture_without_words_waits_in_the_queue_though_no_model_can_flag_it(place: Place, tmp_path: Path) -> None:
    result = importer(place.database, place.home).import_file(written("IMG_2031.png", PICTURE)(tmp_path))
    assert not result.listings[0].flagged
    with place.database.reading() as session:
        assert [one.listing_id for one in queue_places(session, Filters())] == [result.listings[0].listing_id]


def test_importing_again_doubles_nothing_and_keeps_who_saved_it_first(
    database: Database, home: Home, tmp_path: Path
) -> None:
    for name in ("whatsapp", "page with its folder", "screenshot"):
        FORMATS[name][0](tmp_path)
    tables = (Listing, Observation, Assessment, Capture, Segment, Seller, AuditEvent)
    first = list(importer(database, home).import_path(tmp_path / "WhatsApp.zip"))
    before = count(database, *tables)
    later = importer(database, home, saved_at=datetime(2026, 11, 21, tzinfo=UTC))
    copied = tmp_path / "copy.zip"
    copied.write_bytes((tmp_path / "WhatsApp.zip").read_bytes())
    for path in (tmp_path / "WhatsApp.zip", copied):
        result = later.import_file(path)
        assert result.was_known and result.error is None
        assert [one.listing_id for one in result.listings] == [one.listing_id for one in first[0].listings]
        assert not any(one.is_new for one in result.listings)
    assert count(database, *tables) == before
    with database.reading() as session:
        assert session.scalars(select(Listing)).one().last_seen_at == SAVED_AT


def sealed_bodies(place: Place) -> list[bytes]:
    names = place.rows(select(Segment.name).where(Segment.store == "evidence"))
    return [one.block for name in names for one in find_members(place.home.evidence / name) if one.type == "resource"]


@pytest.mark.parametrize(
    ("alone", "whole"),
    [
        (written("lot.html", PAGE), write_page_with_folder),
        (written("result.json", json.dumps(TELEGRAM)), write_telegram_directory),
        (written("_chat.txt", CHAT), write_unpacked_chat),
    ],
)
def test_a_file_that_comes_again_with_its_pictures_is_sealed_with_them_and_its_listing_gets_them(
    alone: Write, whole: Write, place: Place, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    one = importer(place.database, place.home)
    known = one.import_file(alone(first))
    with_pictures = whole(second)
    result = one.import_file(with_pictures)
    assert [kept.listing_id for kept in result.listings] == [kept.listing_id for kept in known.listings]
    assert not result.was_known and not result.listings[0].is_new
    [photo] = place.rows(select(Capture).where(Capture.kind == "saved_photo"))
    [source] = place.rows(select(Capture).where(Capture.id == photo.source_id))
    [segment] = place.rows(select(Segment).where(Segment.id == source.segment_id))
    assert PICTURE in [member.block for member in find_members(place.home.evidence / segment.name)]
    before = count(place.database, Listing, Capture, Segment, AuditEvent)
    assert one.import_file(with_pictures).was_known
    assert count(place.database, Listing, Capture, Segment, AuditEvent) == before


def test_no_photograph_is_kept_that_is_not_sealed(place: Place, tmp_path: Path) -> None:
    """The messages came first, alone, and gave no offer; and then a photograph of them was replaced."""
    words = json.dumps({**TELEGRAM, "messages": [entry(5, photo="photos/p.png")]})
    assert "none of its" in str(
        importer(place.database, place.home).import_file(written("result.json", words)(tmp_path)).error
    )
    (tmp_path / "photos").mkdir()
    for picture in (PICTURE, png(1, 2, 3, 600, 400)):
        written("p.png", picture)(tmp_path / "photos")
        assert importer(place.database, place.home).import_file(tmp_path / "result.json").error is None
    photos = place.rows(select(Capture.sha256).where(Capture.kind == "saved_photo"))
    assert len(photos) == 2
    assert set(photos) <= {hashlib.sha256(body).hexdigest() for body in sealed_bodies(place)}


def test_a_longer_export_of_the_same_chat_adds_its_new_offers_alone(
    database: Database, home: Home, tmp_path: Path
) -> None:
    one = importer(database, home)
    one.import_file(FORMATS["whatsapp"][0](tmp_path))
    more = CHAT + "[21/11/2026, 9:00:00] Omar: Ancient Greek coin, 300 €\n"
    longer = written("longer.zip", zipped(("_chat.txt", more.encode()), ("0001-PHOTO.png", PICTURE)))(tmp_path)
    result = one.import_file(longer)
    assert [kept.is_new for kept in result.listings] == [False, True]
    assert count(database, Listing, Observation) == [2, 2]


def test_the_same_chat_without_its_media_gives_no_second_listing(place: Place, tmp_path: Path) -> None:
    one = importer(place.database, place.home)
    first = one.import_file(FORMATS["whatsapp"][0](tmp_path))
    second = one.import_file(
        written("_chat.txt", CHAT.replace("<attached: 0001-PHOTO.png>", "image omitted"))(tmp_path)
    )
    assert [kept.listing_id for kept in second.listings] == [kept.listing_id for kept in first.listings]


def test_a_directory_is_imported_whole_and_what_fails_is_named(place: Place, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    (saved / "deeper").mkdir(parents=True)
    write_page_with_folder(saved)
    written("chat.zip", b"PK\x03\x04 cut")(saved)
    written("notes.docx.txt", "Dear Sir,\n")(saved)
    written("empty.html", b"")(saved)
    written(".hidden", b"x")(saved)
    written("shot.png", PICTURE)(saved / "deeper")
    (saved / "link.png").symlink_to(saved / "deeper" / "shot.png")
    results = {Path(one.path).name: one for one in importer(place.database, place.home).import_path(saved)}
    assert set(results) == {"lot.html", "chat.zip", "notes.docx.txt", "empty.html", "shot.png", "link.png"}
    assert {name for name, one in results.items() if one.error is None} == {"lot.html", "shot.png"}
    assert "broken zip" in str(results["chat.zip"].error)
    assert "of a kind that is not read" in str(results["notes.docx.txt"].error)
    assert results["chat.zip"].sha256  # its bytes are sealed all the same
    assert count(place.database, Listing, Segment) == [2, 5]


LITTLE_MARKET = (
    "name: little_market\ntitle: Little Market\ndomains: [shop.example]\nid_space: little_ids\nkind: dealer\n"
    'spider: catalogue\nsearch: {url: "https://shop.example/s?q={query}", listings: "a.lot"}\n'
    'listing_url: "/lot/(?P<lot>[0-9]+)"\n'
)


@pytest.mark.parametrize("tag", ['<link rel="canonical" href="{}">', '<meta property="og:url" content="{}">'])
def test_a_page_that_gives_itself_a_listings_address_is_no_sighting_of_it(
    tag: str, place: Place, tmp_path: Path
) -> None:
    place.home.markets.joinpath("little_market.yaml").write_text(LITTLE_MARKET)
    toy = (
        f"<html><head><title>Toy car</title>{tag.format(URL)}</head><body><h1>Toy car, new</h1><p>£1</p></body></html>"
    )
    path = written("toy.html", toy)(tmp_path)
    result = importer(place.database, place.home).import_file(path)
    [listing] = place.rows(select(Listing))
    assert (listing.market, listing.id_space) == ("imported", "imported")
    assert listing.url == f"urn:sha256:{result.sha256}"
    [seen] = place.rows(select(Observation))
    told = f"does not say where it was saved from (the page gives {URL} as its own address)"
    assert any(told in problem for problem in seen.problems)
    assert any(told in line for line in result.lines())
    importer(place.database, place.home, url=URL).import_file(path)
    assert [one.native_id for one in place.rows(select(Listing).where(Listing.market == "little_market"))] == ["7"]


def test_a_page_of_a_known_market_is_a_sighting_of_its_listing(place: Place, tmp_path: Path) -> None:
    place.home.markets.joinpath("little_market.yaml").write_text(LITTLE_MARKET)
    early, late = SAVED_AT.replace(day=18), SAVED_AT
    first = importer(place.database, place.home, saved_at=late).import_file(written("a.html", PAGE)(tmp_path))
    older = written("b.html", PAGE.replace("$200", "$150").replace('"200"', '"150"'))(tmp_path)
    second = importer(place.database, place.home, saved_at=early).import_file(older)
    assert [one.listing_id for one in second.listings] == [one.listing_id for one in first.listings]
    [listing] = place.rows(select(Listing))
    assert (listing.market, listing.id_space, listing.native_id, listing.url) == (
        "little_market",
        "little_ids",
        "7",
        URL,
    )
    assert (listing.first_seen_at, listing.last_seen_at) == (early, late)
    shown = {row.id: row.price for row in place.rows(select(Observation))}
    assert shown[listing.current_observation_id] == 200  # the older page adds to the history alone
    assert sorted(shown.values()) == [150, 200]


def test_nothing_is_asked_of_a_market(place: Place, tmp_path: Path) -> None:
    result = importer(place.database, place.home).import_file(written("a.html", PAGE)(tmp_path))
    assert result.listings[0].flagged
    assert set(place.rows(select(Job.kind))) == {"objects"}  # compared with what is stored, here


@pytest.mark.parametrize("head", ["", '<meta property="og:image" content="https://group.example/shared.jpg">'])
def test_a_page_without_structure_gives_the_photograph_that_it_shows_and_the_words_beside_its_heading(
    head: str, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "lot_files").mkdir()
    (tmp_path / "lot_files" / "a.png").write_bytes(PICTURE)
    page = (
        f"<meta charset=utf-8>{head}<title>Statuette en bronze</title><h1>Statuette en bronze romaine</h1>"
        "<p>Prix : 450 €</p><p>Provenance: terre, sans papiers.</p><img src='lot_files/a.png'>"
    )
    result = importer(place.database, place.home).import_file(written("lot.html", page)(tmp_path))
    assert result.error is None
    [photo] = place.rows(select(Capture).where(Capture.kind == "saved_photo"))
    assert photo.sha256 == hashlib.sha256(PICTURE).hexdigest()
    [seen] = place.rows(select(Observation))
    assert "lot_files/a.png" in seen.images[-1]
    if not head:
        assert seen.description == "Provenance: terre, sans papiers."


LOGIN = "<title>{}</title><h1>{}</h1>{}<form><input name=name><input type=password></form>"


@pytest.mark.parametrize("title", ["Log in", "Connexion | Groupe", "تسجيل الدخول"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_log_in_page_is_no_listing_and_says_so(title: str, encoding: str, place: Place, tmp_path: Path) -> None:
    page = f"<!-- saved from url=(0026){URL} --><meta charset={encoding}>" + LOGIN.format(title, title, "")
    result = importer(place.database, place.home).import_file(written("a.html", page.encode(encoding))(tmp_path))
    assert "it is a log-in page" in str(result.error) and "screenshot" in str(result.error)
    assert count(place.database, Listing, Segment) == [0, 1]


def test_an_offer_on_whose_page_one_can_log_in_stays_an_offer(place: Place, tmp_path: Path) -> None:
    title = "Roman bronze sign in Latin, log in to bid"
    page = LOGIN.format(title, title, "<p class=price>$200</p>")
    result = importer(place.database, place.home).import_file(written("a.html", page)(tmp_path))
    assert [one.title for one in result.listings] == [title]


@pytest.mark.parametrize("body", ['{"a": [1,', "[1,2"])
def test_broken_json_is_called_so(body: str, place: Place, tmp_path: Path) -> None:
    result = importer(place.database, place.home).import_file(written("x.json", body)(tmp_path))
    assert "looks like JSON but is broken" in str(result.error)


def test_a_file_imported_again_as_anothers_says_who_stays_recorded(place: Place, tmp_path: Path) -> None:
    path = written("a.html", PAGE)(tmp_path)
    first = importer(place.database, place.home).import_file(path)
    again = importer(place.database, place.home).import_file(path)
    later = importer(place.database, place.home, saved_at=SAVED_AT.replace(day=21)).import_file(path)
    assert not any("imported before, as saved by" in line for one in (first, again) for line in one.problems)
    told = "imported before, as saved by Amina Haddad on 2026-11-20 12:00:00 UTC, which stays recorded"
    assert any(told in line for line in later.lines())


def test_the_summary_counts_what_only_a_person_can_judge(place: Place, tmp_path: Path) -> None:
    one = importer(place.database, place.home)
    alone = one.import_file(written("IMG_2031.png", PICTURE)(tmp_path))
    flagged = one.import_file(written("a.html", PAGE)(tmp_path))
    assert any("picture, 1 listing" in line and "listings" not in line for line in alone.lines())
    assert any("for a person to judge" in line for line in alone.lines())
    waiting = "(0 flagged, 1 without words that only a person can judge)"
    assert importing.summary([alone]) == f"1 file: 1 new listing {waiting}, 0 files failed."
    assert importing.summary([flagged, flagged]).startswith("2 files: 2 new listings (2 flagged), ")


def test_a_directory_without_files_is_wrong_use_and_says_why(place: Place, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    (empty / "deeper").mkdir(parents=True)
    written(".hidden", PAGE)(empty)
    with pytest.raises(UsageError, match="There is no file to import in "):
        list(importer(place.database, place.home).import_path(empty))


def test_no_capture_is_asked_for_of_what_came_of_a_file(place: Place, tmp_path: Path) -> None:
    place.home.markets.joinpath("little_market.yaml").write_text(LITTLE_MARKET)
    elsewhere = written("a.html", PAGE.replace("shop.example", "x.example"))(tmp_path)
    [of_no_market] = importer(place.database, place.home).import_file(elsewhere).listings
    [of_a_market] = importer(place.database, place.home, url=URL).import_file(elsewhere).listings
    shot = written("shot.png", PICTURE)(tmp_path)
    [without_address] = importer(place.database, place.home, market="little_market").import_file(shot).listings
    ended = place.run("capture", "--listing", str(of_no_market.listing_id))
    assert ended.status == 1
    assert f"relicwatch export --listing {of_no_market.listing_id}" in " ".join(ended.err.split())
    assert set(place.rows(select(Job.kind))) == {"objects"}  # no capture, so that none counts as failed
    with place.database.reading() as session:
        check_fetchable(session, of_a_market.listing_id)
        for listing_id, words in ((without_address.listing_id, "came of a file"), (99, "There is no listing 99")):
            with pytest.raises(NotFetchable, match=words):
                check_fetchable(session, listing_id)


def test_imported_is_told_from_a_market_that_is_not_there(home: Home) -> None:
    with pytest.raises(UnknownMarket, match="relicwatch listings search --market imported"):
        get_market(home, "imported")


def test_a_search_page_is_no_listing_and_says_so(place: Place, tmp_path: Path) -> None:
    lots = "".join(
        f'<div class="lot"><a href="/lot/{n}"><img src="{n}.jpg"><h3>Lamp {n}</h3></a><b>$9</b></div>'
        for n in range(12)
    )
    page = f"<!-- saved from url=(0030)https://shop.example/search?q=lamp --><title>12 results</title>{lots}"
    result = importer(place.database, place.home).import_file(written("s.html", page)(tmp_path))
    assert "save the offers' pages" in str(result.error)
    assert count(place.database, Listing, Segment) == [0, 1]


def test_what_a_killed_import_left_is_set_aside(place: Place, tmp_path: Path) -> None:
    path = written("a.html", PAGE)(tmp_path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    left = place.home.evidence / "imported" / f"{digest}.warc.gz"
    left.parent.mkdir()
    left.write_bytes(b"whole, without a row")
    left.with_name(left.name + ".partial").write_bytes(b"half")
    assert importer(place.database, place.home).import_file(path).error is None
    assert [one.read_bytes() for one in (place.home.evidence / "orphans").iterdir()] == [b"whole, without a row"]


def test_a_kill_between_sealing_and_keeping_is_made_good_by_the_next_import(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written("a.html", PAGE)(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(importing, "keep_saved", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            importer(place.database, place.home).import_file(path)
    assert count(place.database, Listing, Segment) == [0, 1]
    assert importer(place.database, place.home).import_file(path).listings[0].is_new
    assert count(place.database, Listing, Segment, Capture) == [1, 1, 1]


def test_a_file_that_is_too_large_is_refused_unread(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "LARGEST_FILE", 100)
    result = importer(place.database, place.home).import_file(written("a.html", PAGE)(tmp_path))
    assert "export it in parts" in str(result.error)
    assert count(place.database, Segment) == [0]


@pytest.mark.parametrize(
    ("who", "when", "url", "words"),
    [
        ("", SAVED_AT, None, "--by"),
        ("A\x1b[2J", SAVED_AT, None, "--by"),
        ("Amina", datetime(2126, 1, 1, tzinfo=UTC), None, "--saved-at"),
        ("Amina", SAVED_AT, "file:///etc/passwd", "--url"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_read(
    who: str, when: datetime, url: str | None, words: str, place: Place
) -> None:
    with pytest.raises(UsageError, match=words):
        Importer(place.database, place.home, saved_by=SavedBy(who, when, "karim"), chain=AuditChain(), url=url)


def test_the_command_prints_a_record_a_file_and_fails_where_one_failed(place: Place, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    written("a.html", PAGE)(saved)
    written("b.zip", b"PK")(saved)
    arguments = ("import", str(saved), "--by", "Amina Haddad", "--saved-at", "2026-11-20T14:00+02:00")
    ended = place.run(*arguments, "--json")
    assert ended.status == 1
    first, second = map(json.loads, ended.out.splitlines())
    assert first["listings"][0]["title"] == TITLE
    assert "broken zip" in second["error"]
    assert place.rows(select(Listing))[0].last_seen_at == SAVED_AT
    again = place.run(*arguments)
    assert "2 files: 0 new listings (0 flagged), 1 file failed." in again.out
    assert place.run("import", str(saved), "--by", "A", "--saved-at", "yesterday").status == 2
