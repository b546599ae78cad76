"""Signs of sellers are read alike however they are written, and hashed with a secret that is the home's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.home import Home
from matching.seller_signs import Sign, SignSecretError, home_secret, pseudonym, read_signs, sign_digest


def of_kind(kind: str, text: str) -> set[str]:
    return {sign.value for sign in read_signs(None, text) if sign.kind == kind}


@pytest.mark.parametrize(
    "text",
    [
        "call +963 944 123 456",
        "Tel. 00963-944-123-456",
        "هاتف ٠٩٤٤١٢٣٤٥٦",
        "0944 123 456 after six",
        "0944\u2013123\u2013456",  # dashes that writers of blackened copies know
        "for 120 0944 123 456",
    ],
)
def test_one_number_is_read_alike_in_every_spelling(text: str) -> None:
    assert of_kind("phone", text) == {"944123456"}


def test_sizes_prices_and_years_are_no_telephone_numbers() -> None:
    assert of_kind("phone", "12,5 x 10.25 cm, 1,200,000 USD, 1200-1100 BC, ref. 40012345") == set()


def test_mail_and_messenger_handles_are_read_and_folded() -> None:
    text = "Write to Old.Coins@Example.COM or Telegram: @Palmyra_Art, WhatsApp only"
    assert of_kind("email", text) == {"old.coins@example.com"}
    assert of_kind("messenger", text) == {"palmyra_art"}


def test_only_long_sentences_are_a_habit() -> None:
    said = "We ship from our family shop within two working days of payment"
    assert of_kind("sentence", f"Nice lamp. {said.upper()}!") == {said.casefold()}


@given(st.text())
def test_any_text_is_read_without_fault(text: str) -> None:
    for sign in read_signs(text, text, text):
        assert sign.value


def test_the_secret_stays_and_is_private_and_another_home_hashes_otherwise(home: Home) -> None:
    secret = home_secret(home)
    assert home_secret(home) == secret
    [file] = [one for one in home.keys.iterdir() if one.name.startswith("seller")]
    assert file.stat().st_mode & 0o077 == 0
    sign = Sign("phone", "944123456")
    assert sign_digest(secret, sign) != sign_digest(bytes(32), sign)
    assert pseudonym(secret, "m", "amina") != pseudonym(secret, "n", "amina")
    assert "amina" not in pseudonym(secret, "m", "amina")
    file.write_bytes(b"short")
    with pytest.raises(SignSecretError, match="5 bytes"):
        home_secret(home)
