"""Where market definitions are found: ours, and the user's own, which win by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crawler.errors import RelicwatchError
from crawler.home import Home
from markets.definition import Definition, load_definition
from markets.faults import DefinitionError
from markets.vocabulary import near
from storage.imports import IMPORTED

SHIPPED = Path(__file__).parent / "definitions"


class UnknownMarket(RelicwatchError):
    """No definition of that name is there."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every definition found: the good ones by name, and why the others cannot be used, by name too."""

    markets: Mapping[str, Definition]
    broken: Mapping[str, DefinitionError]


def definition_files(home: Home) -> dict[str, Path]:
    """Name -> file of every definition, in order of name; a user's own wins over ours."""
    found = {file.stem: file for directory in (SHIPPED, home.markets) for file in directory.glob("*.yaml")}
    return dict(sorted(found.items()))


def all_markets(home: Home) -> Catalog:
    """Every market; a broken definition stands in `broken` and hides no other."""
    markets: dict[str, Definition] = {}
    broken: dict[str, DefinitionError] = {}
    for name, file in definition_files(home).items():
        try:
            markets[name] = load_definition(file)
        except DefinitionError as error:
            broken[name] = error
    return Catalog(markets, broken)


def get_market(home: Home, name: str) -> Definition:
    """The definition called `name`. Raises UnknownMarket, or DefinitionError where its file is wrong.

    A user's own definition that is wrong is refused: ours of the same name does not stand in for it.
    """
    files = definition_files(home)
    if name == IMPORTED and name not in files:
        raise UnknownMarket(
            f"{name!r} is no market but the place of what officers saved elsewhere: "
            f"`relicwatch listings search --market {name}` lists it."
        )
    if name not in files:
        raise UnknownMarket(
            f"There is no market {name!r}{near(name, files)}: `relicwatch markets list` shows those there are."
        )
    return load_definition(files[name])
