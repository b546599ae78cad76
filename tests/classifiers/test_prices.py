"""Prices: what is asked for a thing, told apart from coins and years."""

import pytest

from classifiers.language import LanguageGuess
from classifiers.normalise import fold
from classifiers.reading import PRICE_ASKED, read_listing


@pytest.fixture
def read(classifier):
    languages = LanguageGuess(classifier.weights.languages)
    return lambda text: read_listing(text, None, classifier.lexicon, languages)


def prices(text, reading):
    folded = fold(text)
    return [folded[sign.start : sign.end] for sign in reading.signs if sign.rule == PRICE_ASKED]


PRICES = [
    ("تمثال روماني السعر ٥٠٠٠ دولار", "5000 دولار"),
    ("تمثال روماني ب٥٬٠٠٠ دولار", "5٬000 دولار"),
    ("تمثال روماني ٥ آلاف دولار", "5 الاف دولار"),
    ("تمثال روماني المطلوب ألف يورو", "الف يورو"),
    ("تمثال روماني السعر بالدولار", "بالدولار"),
    ("تمثال روماني السعر النهائي ١٩٠٠ ريال", "1900 ريال"),
    ("تمثال روماني السعر ٥٠٠ دينار", "500 دينار"),
    ("Roman statue, price 5000 dollars", "5000 dollars"),
    ("Roman statue USD 1900", "usd 1900"),
    ("Roman statue $ 1,900", "$ 1,900"),
    ("Roman statue 1900€", "1900€"),
    ("Roman statue, asking only 500 euros", "500 euros"),
    ("Roman statue for 5k dollars", "5k dollars"),
    ("Roman coin 50 euros", "50 euros"),
    ("Lampe romaine, prix demandé : 1 500 francs", "1 500 francs"),
    ("Lampe romaine, 60 000-80 000 euros", "60 000-80 000 euros"),
    ("Römische Lampe, Festpreis 1.500 Euro", "1.500 euro"),
    ("Lucerna romana euro 1.500", "euro 1.500"),
    ("Lucerna romana 2 mila euro", "2 mila euro"),
    ("Lámpara romana precio 2000 pesos", "2000 pesos"),
    ("Roma kandil fiyatı 1900 lira", "1900 lira"),
    ("Roma kandil 5 bin TL", "5 bin tl"),
]


@pytest.mark.parametrize(("text", "price"), PRICES)
def test_a_price_is_neither_a_later_coin_nor_a_year_nor_a_word_that_tells(read, text, price):
    reading = read(text)
    assert prices(text, reading) == [price]
    assert not [sign for sign in reading.signs if sign.family in ("later", "date", "era", "measure")]
    assert not {word.text for word in reading.telling} & set(price.split())


COINS = [
    "1 dollar 1921 silver Morgan",
    "1921 dollar silver",
    "Morgan dollar 1921",
    "Morgan dollar 38 mm",
    "5 francs 1870",
    "1870 5 francs",
    "5 francs Hercule - 1878",
    "5 francs Napoléon III, tête nue",
    "1/4 franc Louis XVIII - 1817",
    "20 francs or",
    "100 pesetas Franco 1966",
    "2 euro Grace Kelly",
    "500 lire argento",
    "5 Mark Kaiserreich 1904",
    "دولار ١٩٢١ فضة",
    "١ دولار فضة",
    "١٠ قروش، الملك فاروق",
    "mecidiye 20 kuruş 1876",
]


@pytest.mark.parametrize("text", COINS)
def test_a_face_value_beside_a_year_or_words_of_coins_is_a_later_coin(classifier, read, text):
    reading = read(text)
    assert prices(text, reading) == []
    assert "later:later_coin" in {sign.rule for sign in reading.signs}
    assert classifier.score(text, None) < 0.05


def test_a_coin_keeps_its_year_and_name_beside_its_price(read):
    text = "5 francs 1870, prix 30 euros"
    reading = read(text)
    assert prices(text, reading) == ["30 euros"]
    assert {"later:later_coin", "era:later"} <= {sign.rule for sign in reading.signs}


@pytest.mark.parametrize("text", ["Roman lamp, price on request, 200 AD", "Prix : lampe du IIe siècle", "price 300 AD"])
def test_a_date_after_a_price_word_stays_a_date(read, text):
    assert "era:ancient" in {sign.rule for sign in read(text).signs}


@pytest.mark.parametrize("text", ["Umayyad dinar 77 AH", "3 dirhams abbassides", "دينار أموي ٧٧ هـ"])
def test_dinars_and_dirhams_that_nobody_asks_are_coins(read, text):
    assert prices(text, read(text)) == []
    assert "thing:ancient_coin" in {sign.rule for sign in read(text).signs}
