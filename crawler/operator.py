"""Who answers for this installation, as told at the desk: a file in the home. The environment wins over it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from crawler.errors import UsageError
from crawler.home import Home

FILE = "operator.json"
MOST_LETTERS = 500
_CONTACT = re.compile(r"(?:mailto:)?[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|https?://[\w./%?=&#~+-]{4,}", re.A)


@dataclass(frozen=True, slots=True)
class Operator:
    """What was told; empty where nothing was."""

    name: str = ""
    """The authority or institution."""
    contact: str = ""
    """An e-mail address or a page, sent to every site with the user agent."""
    legal_basis: str = ""
    """The law, agreement or order under which it watches."""


def told_operator(home: Home | None = None) -> Operator:
    """What the home's file says; nothing where it is not there or cannot be read."""
    try:
        read = json.loads(((home or Home.from_environment()).root / FILE).read_text(encoding="utf-8"))
        return Operator(**{name: str(read.get(name, "")) for name in ("name", "contact", "legal_basis")})
    except (OSError, ValueError, AttributeError):
        return Operator()


def tell_operator(home: Home, told: Operator) -> None:
    """Keep it. Raises UsageError for an empty name or basis, or for a contact that no header can carry."""
    if not _CONTACT.fullmatch(told.contact) or len(told.contact) > MOST_LETTERS:
        raise UsageError(
            f"{told.contact!r} is no e-mail address or web address: it is sent to every site that is asked."
        )
    for said in (told.name, told.legal_basis):
        if not said.strip() or len(said) > MOST_LETTERS or not said.isprintable():
            raise UsageError(f"Name and legal basis need 1 to {MOST_LETTERS} visible characters in one line.")
    path = home.root / FILE
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(told), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
