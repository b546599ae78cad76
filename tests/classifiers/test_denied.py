"""Copies that a text denies, and copies that the ancients made."""

import pytest

from classifiers.language import LanguageGuess
from classifiers.lexicon import Lexicon
from classifiers.listing import MODELS
from classifiers.reading import Reading, Rules
from classifiers.weights import Weights
from classifiers.words import Batch


@pytest.fixture(scope="module")
def copies():
    lexicon = Lexicon()
    rules, guess = Rules(lexicon), LanguageGuess(Weights.load(MODELS).languages)

    def named(text: str) -> set[str]:
        reading = Reading(Batch([(text, None)]), lexicon, rules, guess)
        return {name for name in (rules.names[rule] for rule in reading.signs.rules) if name.startswith("replica:")}

    return named


@pytest.mark.parametrize(
    "text",
    [
        "Roman lamp, not a reproduction",
        "Elamischer Backstein, keine Kopie",
        "Es ist keine moderne Kopie",
        "Oushebti, ce n'est pas une copie",
        "Lucerna romana, no es una réplica",
        "Lucerna romana, non è una riproduzione",
        "غطاء تابوت مش ديكور",
        "Roma kandili, kopya değil",
        "Marble torso, Roman copy of a Greek bronze",
        "Solidus, imitation gauloise",
    ],
)
def test_a_copy_that_is_denied_or_ancient_does_not_speak_against_it(copies, text):
    assert copies(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Roman lamp, a reproduction",
        "Casque romain pas cher, réplique",
        "Casque pas cher réplique",
        "Kein Original, Kopie",
        "Not original. Copy of a Roman lamp",
        "Roma kandili replika",
        "No. 12 replica",
    ],
)
def test_a_copy_that_is_owned_to_speaks_against_it(copies, text):
    assert "replica:explicit_replica" in copies(text)
