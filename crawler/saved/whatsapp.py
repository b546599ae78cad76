"""WhatsApp chat exports: the text that Android and iOS phones write, in their many languages, with its media.

No export names its zone, language or order of day and month. What the text itself does not settle is left open: the
time as shown is always kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from crawler.extraction.decoding import decode
from crawler.saved.chats import is_picture_name, message_key, numbered
from crawler.saved.records import LARGEST_PICTURE, SavedChat, SavedFault, SavedMessage
from crawler.saved.zips import Package

LARGEST_TEXT = 64 << 20
MOST_MESSAGES = 500_000
_MARKS = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f]")
# \d and int() take the digits of every script.
_HEAD = re.compile(
    r"(?P<open>\[?)(?P<date>\d{1,4}[./-]\d{1,2}[./-]\d{1,4})(?:\s?[,،]\s?|\s(?:à|at|um|om|في)?\s?)"
    r"(?P<time>\d{1,2}[:.h]\d{2}(?:[:.]\d{2})?)\s?(?P<half>[ap]\.?\s?m\.?|[صم])?(?P<close>\]\s?|\s[-–]\s)",
    re.I,
)
_ATTACHED_IOS = re.compile(r"<(?P<word>[^<>:]{2,30}?)\s?:\s?(?P<name>[^<>:]{1,200}\.\w{2,5})>")
_ATTACHED_ANDROID = re.compile(r"(?P<name>[^\s/][^/\n]{0,198}?\.\w{2,5}) \((?P<word>[^()\n]{3,40})\)")
_OMITTED = re.compile(
    r"<(?:Media omitted|M[ée]dias? omis|Fichier omis|Medien ausgeschlossen|Multimedia omitido|Media omessi"
    r"|Medya dahil edilmedi|Medya atlanmış|تم استبعاد الوسائط|تم حذف الوسائط|الوسائط غير مُ?درجة)>"
    r"|(?:image|photo|video|audio|GIF|sticker|document) (?:omitted|absente?|omise?|omis)"
    r"|(?:الصورة|صورة|الفيديو|فيديو|الصوت|المستند) (?:غير مُ?درجة?|غير مُ?درج|مستبعدة?|محذوفة?|تم استبعاده?ا?)"
    r"|(?:Bild|Foto|Video) weggelassen|(?:afbeelding|foto|video) weggelaten"
    r"|(?:imagen|foto|v[íi]deo|audio|sticker|documento) omitid[oa]|(?:immagine|foto|video|audio|documento) omess[oa]"
    r"|(?:imagem|foto|v[íi]deo|[áa]udio|documento) (?:ocultad|omitid)[oa]|(?:görüntü|video|ses) dahil edilmedi",
    re.I,
)
_OMITTED_ANDROID = re.compile(r"<[^<>:\n]{3,60}>")
"""Alone on its line, in whatever language."""
_LONGEST_SENDER = 120


@dataclass(slots=True)
class _Line:
    """A message as its head and text stand in the export."""

    number: int
    date: tuple[int, ...]
    time: str
    half: str
    shown: str
    rest: str


def looks_like_chat(text: str) -> bool:
    """Whether one of the first lines begins as a WhatsApp message does."""
    return any(_HEAD.match(_tidy(line)) for line in text[:20_000].splitlines()[:20])


def find_chat(package: Package) -> str | None:
    """The name of the chat's text in an export, None where the zip is none."""
    for name in package:
        if name.lower().endswith(".txt") and looks_like_chat(decode(package.read(name, LARGEST_TEXT))[0]):
            return name
    return None


def read_whatsapp(package: Package, name: str) -> SavedChat:
    """The messages of an exported zip. Raises SavedFault where its text is no chat."""
    folder = name.rpartition("/")[0]
    members = {one.rpartition("/")[2]: one for one in package if one.rpartition("/")[0] == folder and one != name}
    text, _, problem = decode(package.read(name, LARGEST_TEXT))
    messages, problems = read_text(text, members)

    def picture(file: str) -> bytes:
        return package.read(members.get(file, file), LARGEST_PICTURE)

    return SavedChat("whatsapp", messages, picture, [*([problem] if problem else []), *problems])


def read_text(text: str, members: Iterable[str] = ()) -> tuple[list[SavedMessage], list[str]]:
    """Messages and problems of a chat's text. `members`: names of the files exported with it."""
    lines = list(_lines(text))
    if not lines:
        raise SavedFault("no line of it begins as a message of a WhatsApp export does (date, time, sender)")
    order, problem = _date_order(lines)
    known = set(members)
    messages = [message for line in lines if (message := _message(line, order, known)) is not None]
    return numbered(messages), [problem] if problem else []


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", _MARKS.sub("", text))


def _lines(text: str) -> Iterator[_Line]:
    current: _Line | None = None
    more: list[str] = []
    count = 0
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        line = _tidy(raw)
        found = _HEAD.match(line)
        # iOS closes the bracket that it opens; Android writes a dash.
        if found is None or bool(found["open"]) is not found["close"].startswith("]"):
            more.append(line)
            continue
        if current is not None:
            current.rest = "\n".join([current.rest, *more])
            yield current
        count += 1
        if count > MOST_MESSAGES:
            raise SavedFault(f"it has more than {MOST_MESSAGES} messages: export the chat in parts")
        more = []
        date = tuple(int(part) for part in re.split(r"[./-]", found["date"]))
        shown = f"{found['date']} {found['time']} {found['half'] or ''}".strip()
        current = _Line(number, date, found["time"], found["half"] or "", shown, line[found.end() :])
    if current is not None:
        current.rest = "\n".join([current.rest, *more])
        yield current


def _date_order(lines: list[_Line]) -> tuple[str, str | None]:
    """ymd, dmy or mdy, from all dates together: a part above 12 is a day, and messages stand in order of time."""
    dates = [line.date for line in lines]
    if any(date[0] > 31 for date in dates):
        return "ymd", None
    first, second = any(date[0] > 12 for date in dates), any(date[1] > 12 for date in dates)
    if first or second:
        return ("mdy", None) if second and not first else ("dmy", None)
    for order, other in (("dmy", "mdy"), ("mdy", "dmy")):
        if _rises(dates, order) and not _rises(dates, other):
            return order, None
    return "dmy", "Whether its dates begin with the day or the month is not to be told from them: the day was taken."


def _rises(dates: list[tuple[int, ...]], order: str) -> bool:
    days = [_ymd(date, order) for date in dates]
    return days == sorted(days)


def _ymd(date: tuple[int, ...], order: str) -> tuple[int, int, int]:
    parts = dict(zip(order, date, strict=True))
    year = parts["y"]
    return (year + 2000 if year < 100 else year), parts["m"], parts["d"]


def _moment(line: _Line, order: str) -> datetime | None:
    hour, minute, second = (*(int(part) for part in re.split(r"[:.h]", line.time)), 0)[:3]
    half = line.half[:1].lower()
    if half in ("p", "م"):
        hour = hour % 12 + 12
    elif half in ("a", "ص"):
        hour %= 12
    try:
        return datetime(*_ymd(line.date, order), hour, minute, second)  # noqa: DTZ001  (the export names no zone)
    except (ValueError, OverflowError):
        return None


def _message(line: _Line, order: str, known: set[str]) -> SavedMessage | None:
    """None for a line of the phone itself ("X joined"), which names no sender."""
    sender, colon, text = line.rest.partition(":")
    sender = sender.strip()
    if not colon or not sender or len(sender) > _LONGEST_SENDER or "\n" in sender or text[:1] not in ("", " ", "\n"):
        return None
    pictures: list[str] = []
    missing: list[str] = []
    kept: list[str] = []
    for one in text.strip().split("\n"):
        left = _without_attachments(one, known, pictures, missing)
        if left or not one:
            kept.append(left)
    words = "\n".join(kept).strip()
    return SavedMessage(
        # What stands for a file is another in an export with media than in one without: it counts where no words do.
        key=message_key("whatsapp", sender, line.shown, words or text.strip()),
        place=f"line {line.number}",
        sender=sender,
        shown_time=line.shown,
        sent_at=_moment(line, order),
        text=words,
        pictures=pictures,
        missing=missing,
    )


def _without_attachments(line: str, known: set[str], pictures: list[str], missing: list[str]) -> str:
    """The line without the words that stand for a file; the file goes to where it belongs."""

    def take(found: re.Match[str]) -> str:
        name = found["name"].strip()
        if name in known:
            if is_picture_name(name):
                pictures.append(name)
        else:
            missing.append(name)
        return ""

    line = _ATTACHED_IOS.sub(take, line)
    found = _ATTACHED_ANDROID.fullmatch(line.strip())
    if found and (found["name"] in known or _is_media_name(found["name"])):
        return take(found)
    omitted = _OMITTED_ANDROID.fullmatch(line.strip()) or _OMITTED.search(line)
    if omitted:
        missing.append(omitted[0].strip("<>"))
        line = _OMITTED.sub("", line.replace(omitted[0], ""))
    return line.strip()


def _is_media_name(name: str) -> bool:
    return re.match(r"(?:IMG|VID|PTT|AUD|DOC|STK)-\d{8}-WA\d+\.", name) is not None
