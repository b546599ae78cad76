"""Photo search at the desk: candidates with reasons, nothing kept, nothing decoded outside the limited process."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from sqlalchemy import select

from demo.pictures import draw_picture
from evidence.thumbnails import make_thumbnail
from linking import import_register
from matching.links import Link
from review.photo_search import MOST_AT_A_TIME, reasons_of
from review.words import Words
from storage.audit import AuditChain
from storage.jobs import claim_job
from storage.tables import AuditEvent, Capture, RegisterEntry
from storage.users import LANGUAGES
from tests.review.conftest import field
from tests.review.seed import Offer, add_listing, keep_file
from work import run_job


def offer(database, home, title, figure, **other):
    """A listing whose small picture shows a drawn figure."""
    with database.transaction() as session:
        listing = add_listing(session, home, Offer(title=title, **other))
        small = session.scalars(
            select(Capture).where(Capture.listing_id == listing.id, Capture.kind == "thumbnail")
        ).one()
        small.sha256 = keep_file(home, make_thumbnail(draw_picture(figure, title, 1, 800)))
        return listing.id


def counter_photo(title, figure):
    """The same picture as a phone would send it: rotated a little, cropped, compressed anew."""
    shown = Image.open(io.BytesIO(draw_picture(figure, title, 1, 800))).rotate(4, fillcolor="grey")
    out = io.BytesIO()
    shown.crop((70, 50, 760, 560)).save(out, "JPEG", quality=70)
    return out.getvalue()


def ask(client, photo, **chosen):
    page = client.get("/photos").text
    files = {"photo": ("photo.jpg", photo, "image/jpeg")}
    return client.post("/photos", data={"csrf": field(page, "csrf")} | chosen, files=files)


def files_of(home):
    """But the index over pictures, which holds none."""
    return {path for path in home.root.rglob("*") if path.is_file() and home.photo_index not in path.parents}


def test_a_counter_photo_finds_its_listing_beside_it_and_is_not_kept(visit, desk_database, home, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    wanted = offer(desk_database, home, "Relief of three figures", "relief")
    offer(desk_database, home, "Old chair", "chair")
    before = files_of(home)
    client = visit("viewer")
    page = ask(client, counter_photo("Relief of three figures", "relief")).text
    assert f'href="/listings/{wanted}"' in page and "Old chair" not in page
    assert "A candidate is a candidate" in page and "details lie at the same places" in page
    shown, small = re.findall(r'<figure><img src="([^"]+)"', page)[:2]
    answer = client.get(shown)
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"
    assert client.get(small).headers["content-type"] == "image/jpeg"
    assert visit("lead").get(shown).status_code == 404, "a photo is shown to who sent it alone"
    assert files_of(home) == before
    assert not list(tmp_path.glob("relicwatch-photo-*"))
    with desk_database.reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "searched")).one()
        assert event.details["found"] == 1 and len(event.details["photo_sha256"]) == 64


def test_an_entry_of_a_register_is_found_by_its_photo(visit, desk_database, home, tmp_path):
    (tmp_path / "IM1.jpg").write_bytes(draw_picture("tablet", "entry", 1, 800))
    rows = "record_id,object_type,description,status,photo\n1,cuneiform tablet,missing since 2003,stolen,IM1.jpg\n"
    (tmp_path / "list.csv").write_text(rows, "utf-8")
    import_register(desk_database, home, tmp_path / "list.csv", chain=AuditChain(), actor="amina", source="IQ")
    client = visit("reviewer")
    page = ask(client, counter_photo("entry", "tablet")).text
    assert "Register entry" in page and "cuneiform tablet" in page
    (address,) = re.findall(r'src="(/photos/entries/[^"]+)"', page)
    assert client.get(address).headers["content-type"] == "image/jpeg"
    with desk_database.reading() as session:
        other = session.scalars(select(RegisterEntry)).one().id
    assert client.get(f"/photos/entries/{other}/{'0' * 64}").status_code == 404


def test_a_photo_is_kept_as_a_find_of_who_asked_for_it_and_of_nobody_who_may_not_decide(visit, desk_database, home):
    photo = counter_photo("x", "papyrus")
    assert "being sealed" not in ask(visit("viewer"), photo, keep="1").text
    assert "being sealed" in ask(visit("reviewer"), photo, keep="1").text
    claimed = claim_job(desk_database, "host:1:1", kinds=["import"])
    assert run_job(desk_database, home, claimed)["listings"] == 1
    assert claim_job(desk_database, "host:1:1", kinds=["import"]) is None
    with desk_database.reading() as session:
        saved = session.scalars(select(Capture).where(Capture.kind == "saved_file")).one()
        assert saved.sha256 == hashlib.sha256(photo).hexdigest(), "sealed as it came"
    assert list((home.root / "uploads").iterdir()) == []


def test_what_nothing_shows_is_said_so(visit, desk_database, home):
    offer(desk_database, home, "Old chair", "chair")
    page = ask(visit("reviewer"), counter_photo("x", "papyrus"))
    assert page.status_code == 200 and "as far as can be told" in page.text


def test_only_what_was_flagged_is_compared_with(visit, desk_database, home):
    offer(desk_database, home, "Relief", "relief", flagged=False)
    assert "can be compared now: 0" in visit("reviewer").get("/photos").text


@pytest.mark.parametrize(
    "sent", [b"", b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"GIF89a", b"\xff\xd8\xff"]
)
def test_what_is_no_photo_is_refused_in_a_sentence(visit, sent):
    page = ask(visit("reviewer"), sent)
    assert page.status_code == 422 and 'role="alert"' in page.text


def test_more_photos_at_a_time_than_there_are_places_are_sent_away_unread(visit):
    client = visit("reviewer")
    search = client.app.state.photo_search
    for _ in range(MOST_AT_A_TIME):
        assert search._places.acquire(blocking=False)
    assert ask(client, b"anything").status_code == 429
    search._places.release()
    assert ask(client, b"anything").status_code == 422


def test_the_page_opens_while_another_photo_is_compared(visit):
    client = visit("reviewer")
    client.get("/photos")
    stored = client.app.state.photo_search._stored
    held, done = threading.Event(), threading.Event()

    def hold():
        with stored._lock:
            held.set()
            done.wait()

    with ThreadPoolExecutor(2) as threads:
        threads.submit(hold)
        held.wait()
        try:
            assert threads.submit(client.get, "/photos").result(timeout=30).status_code == 200
        finally:
            done.set()


def test_a_photo_without_the_forms_token_is_not_looked_at(visit):
    answer = visit("reviewer").post("/photos", data={"csrf": "x"}, files={"photo": ("a.jpg", b"x", "image/jpeg")})
    assert answer.status_code == 403
    assert visit(None).get("/photos").status_code == 303


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words_in_every_language(language):
    parts = {
        "taken": "mirrored left to right", "hash_distance": 12, "inliers": 44, "agreeing": 0.83, "overlap": 0.5,
        "turn": -12.0, "mirrored": 1, "repeats": 25, "same_surroundings": 1, "too_plain": 1,
    }  # fmt: skip
    said = reasons_of(Link("x", 0.9, True, (), parts), Words(language))
    assert len(said) == len(set(said)) == 8
    assert reasons_of(Link("x", 0.1, False, (), {"hash_distance": 200}), Words(language)) == []
