"""What `relicwatch import` does: seal a saved file, read it, judge what it says, keep its listings.

Nothing is fetched: pictures that were not saved with a page stay addresses. Formats are read in `crawler.saved`.
"""

from __future__ import annotations

import logging
import mimetypes
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from classifiers.answers.offer import Offer
from classifiers.listing import ListingClassifier
from crawler.blocks import find_login_wall
from crawler.errors import RelicwatchError, UsageError
from crawler.extraction.decoding import decode
from crawler.extraction.page import extract_page
from crawler.home import Home
from crawler.items import ExtractedPage, ListingItem
from crawler.picture_kinds import MEDIA_TYPES, image_suffix
from crawler.saved.chats import group_offers, price_in, title_of
from crawler.saved.pages import is_web_address
from crawler.saved.reading import read_saved
from crawler.saved.records import Saved, SavedChat, SavedFault, SavedMessage, SavedPage, SavedScreenshot
from crawler.saved.shown_pictures import measured_photos, saved_names
from evidence.saved_files import SavedBy, SavedBytes, Sealed, record_uri, seal_saved
from evidence.thumbnails import ThumbnailError, make_thumbnail, store_file
from markets.catalog import all_markets, get_market
from markets.definition import Definition
from storage.audit import AuditChain
from storage.database import Database
from storage.imports import IMPORTED, KeptListing, SavedListing, SavedPhoto, keep_saved

logger = logging.getLogger(__name__)

LARGEST_FILE = 512 << 20
"""Bytes of one file with those that belong to it; it is held in memory while it is sealed."""
MOST_COMPANIONS = 5_000
MOST_PHOTOS = 60
"""Of one listing."""
LEAST_JUDGED_TEXT = 12
"""Signs of a chat message without photograph and price below which it is no offer."""
_LONGEST_NAME = 100
_COMPANION_FOLDERS = ("_files", "_fichiers", "-Dateien", ".files", "_archivos")
_EXPORTS = ("result.json", "messages.html", "_chat.txt")
"""The files that hold the messages of an export written as a directory: the rest of it belongs to them."""
_PAGE_ENDINGS = (".html", ".htm", ".xhtml")
_CAMERA_NAME = re.compile(
    r"(?:img|image|dsc|dscn|pxl|photo|pic|picture|screenshot|screen ?shot|screen|capture|whatsapp|telegram|signal|scan"
    r"|untitled|download|at|am|pm|wa|on|from|edited|copy|com|android|chrome|facebook|instagram|capture d.?écran"
    r"|لقطة|شاشة|صورة|[\W\d_])*",
    re.I,
)


class BadFile(RelicwatchError):
    """One file could not be imported; the sentence says why. The others are not touched by it."""


@dataclass(slots=True)
class Imported:
    """What became of one file."""

    path: str
    sha256: str | None = None
    """Of the file as handed over; None where it could not be read at all."""
    kind: str | None = None
    was_known: bool = False
    """Whether the same file was imported before."""
    listings: list[KeptListing] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What of it was not understood or left out; the rest was imported."""
    error: str | None = None
    """Why no listing came of it. Its bytes are sealed all the same, where it has a SHA-256."""

    def lines(self) -> Iterator[str]:
        """For a person at a terminal; what a file says of itself cannot steer it."""
        if self.error is not None:
            kept = " Its bytes are sealed." if self.sha256 else ""
            yield _printable(f"FAILED {self.path}: {self.error.rstrip('.')}.{kept}")
        else:
            known = " (imported before: nothing was added)" if all(one.from_this_file for one in self.listings) else ""
            yield _printable(f"{self.path}: {self.kind}, {_counted(len(self.listings), 'listing')}{known}")
        for one in self.listings:
            flag = "flagged  " if one.flagged else "for a person to judge  " if one.wordless else ""
            yield _printable(f"  listing {one.listing_id}  {flag}{one.title or '(no title)'}")
        if self.error is None or len(self.problems) > 1:
            yield from (_printable(f"  note: {problem}") for problem in self.problems)

    def as_record(self) -> dict[str, Any]:
        return {
            "file": self.path,
            "sha256": self.sha256,
            "kind": self.kind,
            "known": self.was_known,
            "listings": [
                {
                    "id": one.listing_id,
                    "title": one.title,
                    "new": one.is_new,
                    "from_this_file_before": one.from_this_file,
                    "flagged": one.flagged,
                    "wordless": one.wordless,
                }
                for one in self.listings
            ],
            "problems": self.problems,
            "error": self.error,
        }


def summary(results: Sequence[Imported]) -> str:
    """One line for a person: how many files, what came of them, what of it waits in the queue."""
    new = [one for result in results for one in result.listings if one.is_new]
    flagged = sum(one.flagged for one in new)
    wordless = sum(one.wordless and not one.flagged for one in new)
    eye = f", {wordless} without words that only a person can judge" if wordless else ""
    failed = sum(result.error is not None for result in results)
    return (
        f"{_counted(len(results), 'file')}: {_counted(len(new), 'new listing')} ({flagged} flagged{eye}), "
        f"{_counted(failed, 'file')} failed."
    )


class Importer:
    """Imports saved files one by one, each in a transaction of its own."""

    def __init__(
        self,
        database: Database,
        home: Home,
        *,
        saved_by: SavedBy,
        chain: AuditChain,
        market: str | None = None,
        url: str | None = None,
    ) -> None:
        """`url`: the address that the file was saved from, over what the file itself says.

        Raises UsageError for an officer's name, time or address that cannot be, UnknownMarket for a market that is
        not there.
        """
        _check(saved_by, url)
        self._database = database
        self._home = home
        self._saved_by = saved_by
        self._chain = chain
        self._url = url
        catalog = all_markets(home)
        self._definitions = [one for one in catalog.markets.values() if one.demo == home.is_demo]
        self._market: Definition | None = None
        if market is not None:
            self._market = get_market(home, market)
        self._classifier = ListingClassifier.load()

    def import_path(self, path: Path) -> Iterator[Imported]:
        """Import a file, or every file of a directory and below, in order of name. One that fails stops no other."""
        if not path.exists():
            raise UsageError(f"There is no {path}: name a saved file, or a directory of them.")
        files, problems = saved_files(path) if path.is_dir() else ([path], [])
        if self._url is not None and len(files) > 1:
            raise UsageError(f"--url is the address of one page, and {path} holds {len(files)} files: import it alone.")
        if not files and not problems:
            raise UsageError(f"There is no file to import in {path}: hidden files and empty directories do not count.")
        yield from problems
        for file in files:
            yield self.import_file(file)

    def import_file(self, path: Path) -> Imported:
        """Import one file. Never raises for what is wrong with the file: that stands in the result."""
        result = Imported(str(path))
        try:
            files = read_files(path)
            result.sha256 = files[0].sha256
            sealed = seal_saved(self._database, self._home, files, self._saved_by, chain=self._chain)
            result.was_known = sealed.was_known
            self._keep(files, sealed, result)
        except RelicwatchError as error:
            result.error = str(error)
        return result

    def _keep(self, files: list[SavedBytes], sealed: Sealed, result: Imported) -> None:
        companions = {one.name: one.body for one in files[1:]}
        try:
            saved = read_saved(files[0].body, files[0].name, companions)
        except RelicwatchError:
            raise
        except Exception as error:  # the outermost edge of one file: its bytes are sealed, and the next one waits
            logger.exception("Reading %s failed", result.path)
            raise BadFile(f"it could not be read to its end ({type(error).__name__}: {str(error)[:200]})") from error
        result.kind = _kind(saved)
        reading = _Reading(files[0], sealed, result, self._home)
        listings = list(self._listings(saved, reading))
        if not listings:
            raise BadFile(_nothing(saved, result.problems))
        with self._database.transaction() as session:
            result.listings = keep_saved(
                session,
                self._chain,
                sealed.record,
                listings,
                actor=self._saved_by.importer,
                demo=self._home.is_demo,
            )
        first = sealed.saved_by
        if (first.who, first.when) != (self._saved_by.who, self._saved_by.when):
            result.problems.append(
                f"this file was imported before, as saved by {first.who} on {_shown(first.when)}, which stays "
                "recorded: --by and --saved-at of now were not taken."
            )

    def _listings(self, saved: Saved, reading: _Reading) -> Iterator[SavedListing]:
        if isinstance(saved, SavedScreenshot):
            yield self._of_screenshot(saved, reading)
        elif isinstance(saved, SavedChat):
            reading.result.problems += saved.problems
            for message in group_offers(saved.messages):
                if (listing := self._of_message(saved, message, reading)) is not None:
                    yield listing
        else:
            for page in saved:
                if (listing := self._of_page(page, reading)) is not None:
                    yield listing

    # -- pages --------------------------------------------------------------------------------------------------

    def _of_page(self, page: SavedPage, reading: _Reading) -> SavedListing | None:
        url = self._url or page.url
        definition, native_id = self._market_of(url)
        rules = definition.page_rules() if definition else None
        read = extract_page(page.body, url or "", content_type=page.content_type, charset=page.charset, rules=rules)
        if not page.is_main and read.kind != "listing" and native_id is None:
            return None
        where = f"{page.place}: " if page.place else ""
        if read.kind == "search" and native_id is None:
            reading.result.problems.append(
                f"{where}it is a list of {len(read.listing_urls)} offers, no offer of its own: save the offers' pages."
            )
            return None
        if not read.title:
            why = "".join(f" {problem}" for problem in read.problems)
            reading.result.problems.append(f"{where}no title was found on the page, so there is nothing to judge.{why}")
            return None
        if read.kind != "listing" and native_id is None and _asks_to_log_in(page):
            reading.result.problems.append(
                f"{where}it is a log-in page ({read.title[:100]!r}), shown in place of the offer to who is "
                "not logged in: save the offer's own page, or a screenshot of it."
            )
            return None
        if url is None:
            own = f" (the page gives {page.own_url[:500]} as its own address)" if page.own_url else ""
            problem = f"the saved file does not say where it was saved from{own}: --url tells it"
            read.problems.append(problem)
            reading.result.problems.append(f"{where}{problem}.")
        digest = sha256(page.body).hexdigest()
        key = (definition.id_space, native_id) if definition and native_id else (IMPORTED, f"sha256:{digest}")
        market = definition.name if definition else IMPORTED
        address = url or f"urn:sha256:{digest}"
        names = saved_names(read.images, page.pictures)
        if page.pictures and not names:
            names = saved_names(measured_photos(page, url or ""), page.pictures)
            read.images += names
            read.sources.setdefault("images", "visible:img, by the size of the saved picture")
        photos = [
            photo for name in dict.fromkeys(names.values()) if (photo := reading.photo(name, page.pictures[name]))
        ]
        return self._listing(market, key, address, read, reading, page.place, photos[:MOST_PHOTOS])

    def _market_of(self, url: str | None) -> tuple[Definition | None, str | None]:
        """The market that an address is a listing of, and the listing's id there."""
        if self._market is not None:
            return self._market, self._market.native_id(url) if url else None
        if url is None or not is_web_address(url):
            return None, None
        for definition in self._definitions:
            if (native_id := definition.native_id(url)) is not None:
                return definition, native_id
        return None, None

    # -- chats and screenshots ----------------------------------------------------------------------------------

    def _of_message(self, chat: SavedChat, message: SavedMessage, reading: _Reading) -> SavedListing | None:
        """None for a message that offers nothing: no photograph, no price, and words that no model flags."""
        money = price_in(message.text)
        title = title_of(message.text)
        if not message.pictures and money is None:
            if len(message.text) < LEAST_JUDGED_TEXT:
                return None
            if not self._classifier.assess(title or "", message.text).flagged:
                return None
        photos: list[SavedPhoto] = []
        for name in message.pictures[:MOST_PHOTOS]:
            try:
                photo = reading.photo(name, chat.picture(name))
            except SavedFault as fault:
                reading.result.problems.append(f"{message.place}: {fault}.")
                continue
            photos += [photo] if photo else []
        if not photos and money is None and not message.text:
            return None
        source = f"{chat.kind}:{message.place}, sent {message.shown_time} as the export shows it"
        page = ExtractedPage(url=reading.address(message.place), kind="listing", title=title)
        page.description = message.text or None
        page.seller = message.sender or None
        page.images = [photo.url for photo in photos]
        if money is not None:
            page.price, page.currency = money.amount, money.currency
        page.sources = {name: source for name in ("title", "description", "price", "seller") if getattr(page, name)}
        page.problems = [f"sent with the message and not in the export: {one[:200]}" for one in message.missing]
        page.seller_url = _seller_address(chat, message, reading)
        place = f"{message.place}, sent {message.shown_time} as the export shows it"
        return self._listing(IMPORTED, (IMPORTED, message.key), page.url, page, reading, place, photos)

    def _of_screenshot(self, shot: SavedScreenshot, reading: _Reading) -> SavedListing:
        digest = sha256(shot.body).hexdigest()
        url = self._url or f"urn:sha256:{digest}"
        page = ExtractedPage(url=url, kind="listing", title=_title_of_name(reading.file.name))
        if page.title:
            page.sources = {"title": "file name"}
        photo = reading.photo(reading.file.name, shot.body)
        page.images = [photo.url] if photo else []
        definition, native_id = self._market_of(self._url)
        key = (definition.id_space, native_id) if definition and native_id else (IMPORTED, f"sha256:{digest}")
        market = definition.name if definition else IMPORTED
        return self._listing(market, key, url, page, reading, "", [photo] if photo else [])

    def _listing(
        self,
        market: str,
        key: tuple[str, str],
        url: str,
        page: ExtractedPage,
        reading: _Reading,
        place: str,
        photos: list[SavedPhoto],
    ) -> SavedListing:
        saved_by = reading.sealed.saved_by
        state = page.state_at(saved_by.when)
        item = ListingItem(market, *key, url, page, saved_by.when.astimezone(UTC), state)
        item.assessment = self._classifier.assess(page.title or "", page.description, Offer.of_item(item))
        note = f"Saved by {saved_by.who} on {_shown(saved_by.when)} by their own word."
        if place:
            note += f" It stands in this file at {place}."
        return SavedListing(item, note, photos)


@dataclass(slots=True)
class _Reading:
    """The file under way: what its listings point to."""

    file: SavedBytes
    sealed: Sealed
    result: Imported
    home: Home

    def address(self, place: str) -> str:
        """Of a place in the file."""
        return f"{record_uri(self.file)}#{quote(place[:200], safe='')}"

    def photo(self, name: str, body: bytes) -> SavedPhoto | None:
        """The photograph kept among the home's files with its thumbnail; None for what is no picture."""
        suffix = image_suffix(body)
        if suffix is None:
            self.result.problems.append(f"{name[:200]} is no JPEG, PNG, WebP, GIF or AVIF picture.")
            return None
        digest = store_file(self.home, body)
        # Without an address of its own it is known by its content, which is the same in a later export.
        url = name if is_web_address(name) else f"urn:sha256:{digest}"
        photo = SavedPhoto(url, digest, len(body), MEDIA_TYPES[suffix])
        try:
            small = make_thumbnail(body)
        except ThumbnailError as error:
            self.result.problems.append(f"No thumbnail of {name[:200]} was made: {error}")
            return photo
        return SavedPhoto(url, photo.sha256, photo.size, photo.media_type, store_file(self.home, small), len(small))


# -- files on disk ----------------------------------------------------------------------------------------------


def saved_files(directory: Path) -> tuple[list[Path], list[Imported]]:
    """The files below a directory in order of name, and what in it is not imported.

    Links are not followed, hidden files and what belongs to a saved page or to a chat export are left out.
    """
    export = _export_in(directory)
    if export is not None:
        return [export], []
    files: list[Path] = []
    refused: list[Imported] = []
    for path in sorted(directory.iterdir()):
        if path.name.startswith(".") or path.name in ("Thumbs.db", "desktop.ini"):
            continue
        if path.is_symlink():
            refused.append(Imported(str(path), error="it is a link, which is not followed: import the file it names"))
        elif path.is_dir():
            if _page_of(path) is None:
                more, bad = saved_files(path)
                files += more
                refused += bad
        elif path.is_file():
            files.append(path)
    return files, refused


def read_files(path: Path) -> list[SavedBytes]:
    """The file's bytes, then those of the folder that a browser saved beside a page. Raises BadFile."""
    if not path.is_file():
        raise BadFile("it is no file")
    files = [SavedBytes(path.name, _bytes(path, LARGEST_FILE), _media_type(path.name))]
    left = LARGEST_FILE - len(files[0].body)
    for companion in _companions(path):
        body = _bytes(companion, left)
        left -= len(body)
        is_page_folder = companion.parent != path.parent and path.name not in _EXPORTS
        name = companion.name if is_page_folder else companion.relative_to(path.parent).as_posix()
        files.append(SavedBytes(name, body, _media_type(name)))
    return files


def _bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(most + 1)
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}): see to its permissions") from error
    if len(body) > most:
        raise BadFile(f"it has more than {LARGEST_FILE >> 20} MB with what belongs to it: export it in parts")
    return body


def _export_in(directory: Path) -> Path | None:
    """The file with the messages, where a directory is a chat export: it has folders or pictures of its own."""
    if any((directory / name).is_dir() for name in ("photos", "files", "chats")):
        return next((path for name in _EXPORTS[:2] if (path := directory / name).is_file()), None)
    chat = directory / _EXPORTS[2]
    return chat if chat.is_file() else None


def _companions(path: Path) -> list[Path]:
    if _export_in(path.parent) == path:
        below = (one for one in sorted(path.parent.rglob("*")) if one != path and one.is_file())
        return _few(path.parent, [one for one in below if not one.is_symlink() and not one.name.startswith(".")])
    if not path.name.lower().endswith(_PAGE_ENDINGS):
        return []
    for ending in _COMPANION_FOLDERS:
        folder = path.with_name(path.stem + ending)
        if folder.is_dir() and not folder.is_symlink():
            found = [one for one in sorted(folder.iterdir()) if one.is_file() and not one.is_symlink()]
            return _few(folder, found)
    return []


def _few(folder: Path, found: list[Path]) -> list[Path]:
    if len(found) > MOST_COMPANIONS:
        raise BadFile(f"{folder} holds {len(found)} files, more than the {MOST_COMPANIONS} that are kept")
    return found


def _page_of(folder: Path) -> Path | None:
    for ending in _COMPANION_FOLDERS:
        if folder.name.endswith(ending):
            stem = folder.name.removesuffix(ending)
            for page in (folder.with_name(stem + suffix) for suffix in _PAGE_ENDINGS):
                if page.is_file():
                    return page
    return None


def _media_type(name: str) -> str:
    known = {".mhtml": "multipart/related", ".mht": "multipart/related", ".wacz": "application/wacz"}
    if name.lower().endswith((".warc", ".warc.gz")):
        return "application/warc"
    return known.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0] or "application/octet-stream"


# -- words and names --------------------------------------------------------------------------------------------


def _check(saved_by: SavedBy, url: str | None) -> None:
    who = saved_by.who
    if not who.strip() or len(who) > _LONGEST_NAME or not who.isprintable():
        raise UsageError(f"--by {who!r} is no name: say who saved the files, in at most {_LONGEST_NAME} signs.")
    if saved_by.when > datetime.now(UTC):
        raise UsageError(f"--saved-at {saved_by.when.isoformat()} has not come yet: say when the files were saved.")
    if url is not None and not is_web_address(url):
        raise UsageError(f"--url {url!r} is no web address: write it like https://auction.example/lot/1.")


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def _kind(saved: Saved) -> str:
    if isinstance(saved, SavedChat):
        return saved.kind
    return "picture" if isinstance(saved, SavedScreenshot) else "page" if len(saved) == 1 else "archive"


def _nothing(saved: Saved, problems: list[str]) -> str:
    if problems:
        return problems[0]
    if isinstance(saved, SavedChat):
        return f"none of its {len(saved.messages)} messages has a photograph, a price or words of an antiquity"
    return "none of its pages looks like an offer: save the offer's own page, or import it with --url"


def _asks_to_log_in(page: SavedPage) -> bool:
    text, _, _ = decode(page.body, page.content_type, page.charset)
    return find_login_wall("", "", 200, text.encode("utf-8", "replace")) is not None


def _title_of_name(name: str) -> str | None:
    """The file's name where a person gave it one; None for what cameras and phones name by themselves."""
    words = re.sub(r"[\s_]+", " ", Path(name).stem).strip()
    return None if not words or _CAMERA_NAME.fullmatch(words) else words


def _seller_address(chat: SavedChat, message: SavedMessage, reading: _Reading) -> str | None:
    """What tells two senders of one name apart; a telephone number does so by itself."""
    if message.sender_id:
        return f"urn:{chat.kind}:{quote(message.sender_id, safe='')}"
    if not message.sender or re.fullmatch(r"[+\d\s()~-]+", message.sender):
        return None
    return reading.address(f"sender {message.sender}")
