"""The command as a whole: every verb explains itself, errors are one sentence. What verbs do is tested elsewhere."""

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import cli
from crawler.errors import RelicwatchError, UsageError
from tests.crawling import ROOT


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


def test_no_time_at_all_is_called_too_little() -> None:
    with pytest.raises(UsageError, match="more than nothing"):
        cli._seconds("0s")


@pytest.mark.parametrize("text", ["", "h", "6", "0h", "-1h", "1.5h", "6 h", "٦h", "6y"])
def test_anything_else_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError, match="like 6h"):
        cli._seconds(text)


def test_a_site_that_nobody_approved_is_asked_only_after_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError, match="--yes"):
        cli._confirm_look("https://shop.example/search?q=lamp")


# -- progress for a person ----------------------------------------------------------------------------------------


def on_a_terminal(*arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout through a pipe, and what a terminal on stderr got."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-m", "cli", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    shown: list[bytes] = []
    reader = threading.Thread(target=_read_terminal, args=(ours, shown))
    reader.start()
    out, _ = process.communicate(timeout=120)
    reader.join(120)
    os.close(ours)
    return process.returncode, out, b"".join(shown).decode()


def _read_terminal(terminal: int, shown: list[bytes]) -> None:
    """Until nobody has it open any more, which Linux tells as an error."""
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 65536):
            shown.append(piece)


def piped(*arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "cli", *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("verb", ["extract", "classify", "verify"])
def test_long_work_shows_its_progress_on_a_terminal_alone_and_never_in_its_output(verb: str, tmp_path: Path) -> None:
    (tmp_path / "lot.html").write_text("<title>Oil lamp</title><h1>Oil lamp</h1>")
    entries = [{"path": "lot.html", "url": f"https://auction.example/lot/{n}"} for n in range(30)]
    lots = [{"id": n, "title": f"Roman oil lamp {n}", "description": "Terracotta."} for n in range(30)]
    (tmp_path / "extract").write_text("".join(f"{json.dumps(one)}\n" for one in entries))
    (tmp_path / "classify").write_text("".join(f"{json.dumps(one)}\n" for one in lots))
    (tmp_path / "verify").write_bytes(b"PK no bundle")
    options = ["--batch"] if verb == "extract" else []
    arguments = (verb, *options, str(tmp_path / verb))

    status, out, err = piped(*arguments)
    assert err == ""
    assert status == (3 if verb == "verify" else 0)
    assert len(out.splitlines()) == 30 or verb == "verify"

    on_terminal = on_a_terminal(*arguments)
    assert on_terminal[:2] == (status, out)
    shown = on_terminal[2]
    assert {"extract": "extracting", "classify": "classifying", "verify": "verifying"}[verb] in shown
