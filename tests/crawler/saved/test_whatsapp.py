"""WhatsApp exports: every form of line that phones write, and any text at all."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.saved.chats import group_offers, price_in, title_of
from crawler.saved.records import SavedFault, SavedMessage
from crawler.saved.whatsapp import looks_like_chat, read_text

AT = datetime.fromisoformat("2026-11-20T14:03")  # an export names no zone


def messages(text: str, *members: str) -> list[SavedMessage]:
    return read_text(text, members)[0]


@pytest.mark.parametrize(
    "head",
    [
        "20/11/2026, 14:03 - ",
        "20/11/2026 14:03 - ",
        "20/11/2026 à 14:03 - ",
        "20.11.26, 14:03 - ",
        "11/20/26, 2:03 PM - ",
        "11/20/26, 2:03\u202fPM - ",
        "2026-11-20 14:03 - ",
        "20/11/2026, 2:03 p. m. - ",
        "\u200e[20/11/2026, 14:03:00] ",
        "[11/20/26, 2:03:00\u202fPM] ",
        "[20/11/2026 14:03:00] ",
        "٢٠\u200f/١١\u200f/٢٠٢٦، ٢:٠٣ م - ",
        "\u200f[٢٠\u200f/١١\u200f/٢٠٢٦، ٢:٠٣:٠٠ م] ",
        "۲۰/۱۱/۲۰۲۶، ۱۴:۰۳ - ",
    ],
)
def test_a_message_is_read_in_every_form_that_phones_write(head: str) -> None:
    [message] = messages(f"{head}أبو علي: lampe romaine\n12 cm\n")
    assert (message.sender, message.text, message.sent_at) == ("أبو علي", "lampe romaine\n12 cm", AT)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("IMG-20261120-WA0001.jpg (file attached)", "IMG-20261120-WA0001.jpg"),
        ("\u200eIMG-20261120-WA0001.jpg (fichier joint)", "IMG-20261120-WA0001.jpg"),
        ("IMG-20261120-WA0001.jpg (الملف مرفق)", "IMG-20261120-WA0001.jpg"),
        ("\u200e<attached: 00000012-PHOTO-2026-11-20.jpg>", "00000012-PHOTO-2026-11-20.jpg"),
        ("<pièce jointe : 00000012-PHOTO-2026-11-20.jpg>", "00000012-PHOTO-2026-11-20.jpg"),
        ("\u200e<مرفق: 00000012-PHOTO-2026-11-20.jpg>", "00000012-PHOTO-2026-11-20.jpg"),
    ],
)
def test_an_attached_photograph_leaves_the_text_and_is_named(words: str, name: str) -> None:
    text = f"20/11/2026, 14:03 - Ali: {words}\nOil lamp\n"
    [with_file] = messages(text, name)
    assert (with_file.text, with_file.pictures, with_file.missing) == ("Oil lamp", [name], [])
    [without] = messages(text)
    assert (without.text, without.pictures, without.missing) == ("Oil lamp", [], [name])


@pytest.mark.parametrize(
    "words",
    [
        "<Media omitted>",
        "<Médias omis>",
        "<تم استبعاد الوسائط>",
        "<Pominięto multimedia>",
        "\u200eimage omitted",
        "image absente",
        "imagen omitida",
        "afbeelding weggelaten",
    ],
)
def test_media_left_out_is_said_and_is_no_text_of_the_offer(words: str) -> None:
    [message] = messages(f"20/11/2026, 14:03 - Ali: {words}\n")
    assert message.text == ""
    assert message.missing


def test_lines_of_the_phone_itself_are_no_messages() -> None:
    at = "20/11/2026, 14:03 - "
    text = f"{at}Messages are end-to-end encrypted.\n{at}Ali joined\n{at}Ali: hi\n"
    assert [one.text for one in messages(text)] == ["hi"]


@pytest.mark.parametrize(
    ("dates", "month", "told"),
    [
        (["03/11/2026", "13/11/2026"], 11, True),
        (["11/03/2026", "11/13/2026"], 11, True),
        (["11/09/2026", "12/01/2026"], 11, True),  # rises with the month first alone
        (["03/11/2026"], 11, False),
    ],
)
def test_day_and_month_are_told_apart_by_all_dates_together(dates: list[str], month: int, told: bool) -> None:
    found, problems = read_text("".join(f"{date}, 10:00 - Ali: hello there\n" for date in dates))
    assert found[0].sent_at is not None
    assert found[0].sent_at.month == month
    assert (problems == []) is told


def test_a_later_export_gives_the_same_messages_the_same_keys() -> None:
    first = "20/11/2026, 14:03 - Ali: lamp\n20/11/2026, 14:03 - Ali: lamp\n"
    keys = [one.key for one in messages(first)]
    assert len(set(keys)) == 2
    assert [one.key for one in messages(first + "21/11/2026, 9:00 - Ali: coin\n")][:2] == keys


@pytest.mark.parametrize("attached", ["(file attached)", "(الملف مرفق)", "(plik dołączony)"])
@pytest.mark.parametrize("omitted", ["<Media omitted>", "<Pominięto multimedia>", "\u200eimage omitted", "صورة محذوفة"])
@pytest.mark.parametrize("words", ["\nRoman lamp", "\n20/11/2026, 14:04 - Ali: Roman lamp"])
def test_an_offer_has_the_same_key_in_an_export_with_media_and_in_one_without(
    attached: str, omitted: str, words: str
) -> None:
    name = "IMG-20261120-WA0001.jpg"
    [with_media], [named], [without] = (
        group_offers(messages(f"20/11/2026, 14:03 - Ali: {line}{words}\n", *members))
        for line, members in ((f"{name} {attached}", (name,)), (f"{name} {attached}", ()), (omitted, ()))
    )
    assert with_media.pictures == [name]
    assert with_media.text == without.text == "Roman lamp"
    assert with_media.key == named.key == without.key


def test_photographs_without_words_are_told_apart_by_their_names() -> None:
    first, second = (
        messages(f"20/11/2026, 14:03 - Ali: {name} (file attached)\n", name) for name in ("a.jpg", "b.jpg")
    )
    assert first[0].key != second[0].key


def test_photographs_and_words_sent_together_are_one_offer_and_two_texts_are_two() -> None:
    chat = (
        "20/11/2026, 14:03 - Ali: a.jpg (file attached)\n20/11/2026, 14:03 - Ali: b.jpg (file attached)\n"
        "20/11/2026, 14:04 - Ali: Roman lamp\n20/11/2026, 14:05 - Ali: Greek coin\n"
        "20/11/2026, 14:06 - Omar: c.jpg (file attached)\n20/11/2026, 14:30 - Omar: no link\n"
    )
    offers = group_offers(messages(chat, "a.jpg", "b.jpg", "c.jpg"))
    assert [(one.text, one.pictures) for one in offers] == [
        ("Roman lamp", ["a.jpg", "b.jpg"]),
        ("Greek coin", []),
        ("", ["c.jpg"]),
        ("no link", []),
    ]


def test_a_price_needs_its_currency_and_a_title_is_a_line_with_words() -> None:
    assert price_in("12 cm, 300 g\nالسعر ٥٠٠ دولار") == (500, "USD")
    assert price_in("call 0551234567") is None
    assert title_of("👇👇\nRoman lamp\n200 $") == "Roman lamp"
    assert title_of("✨") is None


def test_a_text_that_is_no_chat_is_refused() -> None:
    assert not looks_like_chat("Dear Sir,\non 20/11/2026 I saw a lamp.\n")
    with pytest.raises(SavedFault, match="no line of it begins"):
        read_text("Dear Sir,\n")


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Zs"], exclude_characters=":<>"),
    min_size=1,
    max_size=20,
)
WORDS = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp", "Zs"], exclude_characters="<>()/[]-."),
    min_size=1,
    max_size=40,
)


@given(st.lists(st.tuples(NAMES, WORDS), min_size=1, max_size=8), st.booleans())
def test_what_is_written_as_a_phone_writes_it_is_read_back(said: list[tuple[str, str]], is_ios: bool) -> None:
    heads = [f"[20/11/2026, 14:{n:02}:00] " if is_ios else f"20/11/2026, 14:{n:02} - " for n in range(len(said))]
    text = "".join(f"{head}{name}: {words}\n" for head, (name, words) in zip(heads, said, strict=True))
    found = messages(text)
    assert [one.sender for one in found] == [name for name, _ in said]
    for one, (_, words) in zip(found, said, strict=True):
        assert one.text == words or one.missing  # it may happen to say "image omitted"


@settings(max_examples=40)
@given(st.text(max_size=300), st.text(max_size=200))
def test_any_text_is_read_or_refused_and_never_fails(start: str, more: str) -> None:
    found = messages(f"20/11/2026, 14:03 - A: {start}\n{more}\n99/99/9999, 99:99 - B: {more}")
    assert found[0].sender == "A"
