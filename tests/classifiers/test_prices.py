"""Prices: what is asked for a thing, told apart from coins and years."""

from dataclasses import dataclass

import pytest

from classifiers.reading import PRICE_ASKED


@dataclass
class Read:
    signs: list[tuple[str, str]]
    telling: set[str]

    @property
    def rules(self):
        return {rule for rule, _ in self.signs}

    @property
    def prices(self):
        return [text for rule, text in self.signs if rule == PRICE_ASKED]


@pytest.fixture
def read(classifier):
    def read_text(text):
        reading = classifier.read([(text, None)])
        folded, signs, words = reading.batch.text, reading.signs, reading.batch.words
        found = zip(signs.rules, signs.starts, signs.ends, strict=True)
        return Read(
            [(reading.rules.names[rule], folded[start:end]) for rule, start, end in found],
            {folded[words.starts[word] : words.ends[word]] for word in reading.telling},
        )

    return read_text


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
    assert reading.prices == [price]
    assert not {rule.partition(":")[0] for rule in reading.rules} & {"later", "date", "era", "measure"}
    assert not reading.telling & set(price.split())


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
    assert reading.prices == []
    assert "later:later_coin" in reading.rules
    assert classifier.assess(text, None).score < 0.05


def test_a_coin_keeps_its_year_and_name_beside_its_price(read):
    text = "5 francs 1870, prix 30 euros"
    reading = read(text)
    assert reading.prices == ["30 euros"]
    assert {"later:later_coin", "era:later"} <= reading.rules


@pytest.mark.parametrize("text", ["Roman lamp, price on request, 200 AD", "Prix : lampe du IIe siècle", "price 300 AD"])
def test_a_date_after_a_price_word_stays_a_date(read, text):
    assert "era:ancient" in read(text).rules


@pytest.mark.parametrize("text", ["Umayyad dinar 77 AH", "3 dirhams abbassides", "دينار أموي ٧٧ هـ"])
def test_dinars_and_dirhams_that_nobody_asks_are_coins(read, text):
    assert read(text).prices == []
    assert "thing:ancient_coin" in read(text).rules
