"""A selector that is looked up finds what the search for it finds."""

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from crawler.extraction.document import MAX_CLASSES, MAX_TEXTS, Document
from crawler.extraction.rules import compiled
from crawler.extraction.selectors import _simple, select

CLASSES = st.sampled_from(
    ["price", "price old", " old\tprice ", "prices", "old\nprice-now", "Price", "pr\u00a0price", ""]
)
PIECES = st.builds(
    lambda tag, name, text, inner: f'<{tag} class="{name}" data-x="{text}">{text}{inner}{text}</{tag}>',
    st.sampled_from(["span", "div", "p"]),
    CLASSES,
    st.sampled_from(["", "12", "a b"]),
    st.sampled_from(["", "<b class='price'>7</b>", "<i>x</i>"]),
)
SELECTORS = [".price", "span.price", ".price::text", "div.old::attr(data-x)", ".old::attr(class)", "b.price::text"]


@given(st.lists(PIECES, max_size=6))
def test_a_simple_selector_finds_what_xpath_finds_in_the_same_order(pieces: list[str]) -> None:
    document, _ = Document.parse(
        f"<html class='price'><body class='old price'>{''.join(pieces)}</body></html>", "http://a.example/"
    )
    assert document is not None
    for css in SELECTORS:
        assert _simple(css) is not None
        assert select(css, document) == compiled(css)(document.root), css


def test_any_other_selector_is_searched_for() -> None:
    document, _ = Document.parse("<ul class=a><li class=b><a href=/x>t</a></ul>", "http://a.example/")
    assert document is not None
    for css in (".a .b", "li.b > a::attr(href)", "a[href]", ".a.b", "*.a", "#a", ".b:first-child"):
        assert _simple(css) is None
        assert select(css, document) == compiled(css)(document.root)


def test_a_page_given_as_a_tree_is_searched_below_its_root_alone() -> None:
    tree = etree.fromstring("<div><p class='a'>out</p><section class='a'><p class='a'>in</p></section></div>")
    section = tree.find("section")
    assert select("p.a::text", Document(section, "http://a.example/")) == ["in"]


def test_on_a_page_of_very_many_classes_nothing_is_missed() -> None:
    many = "<b class=x>1</b>" * (MAX_CLASSES + 5)
    document, _ = Document.parse(f"<body>{many}<p class=price>7</p></body>", "http://a.example/")
    assert document is not None
    assert not document.has_all_classes
    assert select(".price::text", document) == ["7"]


def test_of_a_page_of_very_many_texts_only_the_first_are_taken_up() -> None:
    document, _ = Document.parse("<body>" + "<b>a</b>" * (MAX_TEXTS + 5) + "</body>", "http://a.example/")
    assert document is not None
    assert len(document.texts) == MAX_TEXTS


def test_the_place_of_a_text_is_the_same_whether_few_or_many_are_asked_for() -> None:
    page = "<body> <p>one<b>two</b>three</p>\n<script>four</script><ul><li>five</li>six</ul></body>"
    places = [("p", False), ("b", False), ("b", True), (None, False), ("li", False), ("li", True)]
    document, _ = Document.parse(page, "http://a.example/")
    assert document is not None
    found = [document.place_of(number) for _, number in document.texts]
    assert [(element.tag if element is not None else None, is_tail) for element, is_tail in found] == places
    for (_, number), place in zip(document.texts, found, strict=True):
        alone, _ = Document.parse(page, "http://a.example/")
        assert alone is not None
        element, is_tail = alone.place_of(number)
        assert (element.tag if element is not None else None, is_tail) == (
            place[0].tag if place[0] is not None else None,
            place[1],
        )
