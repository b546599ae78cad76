"""The command as a whole: every verb explains itself, errors are one sentence. What verbs do is tested elsewhere."""

from collections.abc import Iterator

import pytest
import typer

import cli
from crawler.errors import RelicwatchError, UsageError


def verbs(command: object, name: str = "relicwatch") -> Iterator[tuple[str, object]]:
    """Every verb by its words, groups left out."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, one in inner.items():
        yield from verbs(one, f"{name} {word}")


VERBS = dict(verbs(typer.main.get_command(cli.app)))


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_s_help_says_what_it_does_with_an_example_of_itself(name: str) -> None:
    text = VERBS[name].help
    assert text.split("Example:")[0].strip().endswith((".", ")"))
    assert f"Example: {name}" in " ".join(text.split())


@pytest.mark.parametrize(
    ("error", "status"), [(RelicwatchError("The lamp is out: light it."), 1), (UsageError("Give a lamp."), 2)]
)
def test_an_error_made_for_people_is_one_sentence_and_its_status(
    error: RelicwatchError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == status
    assert capsys.readouterr().err == f"relicwatch: {error}\n"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("30m", 1800), ("6h", 21600), ("1d", 86400), ("2w", 1209600)]
)
def test_a_span_of_time_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert cli._seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "6", "0h", "-1h", "1.5h", "6 h", "٦h", "6y"])
def test_anything_else_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="like 6h"):
        cli._seconds(text)
