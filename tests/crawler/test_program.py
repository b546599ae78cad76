from pathlib import Path

import pytest

from crawler.program import _commit, operator, program_info, user_agent

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_the_user_agent_is_honest_and_gives_the_operator_s_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELICWATCH_CONTACT", raising=False)
    assert user_agent() == f"relicwatch/{program_info().version}"
    monkeypatch.setenv("RELICWATCH_CONTACT", "https://unit.example/crawler")
    assert user_agent() == f"relicwatch/{program_info().version} (+https://unit.example/crawler)"


def test_an_operator_who_is_not_named_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELICWATCH_OPERATOR", raising=False)
    assert operator() == "operator not configured (RELICWATCH_OPERATOR)"


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": COMMIT},
        {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": COMMIT + "\n"},
        {"HEAD": "ref: refs/heads/main\n", "packed-refs": f"# pack-refs\n{COMMIT} refs/heads/main\n"},
    ],
    ids=["detached", "loose", "packed"],
)
def test_the_commit_is_read_without_a_git_program(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert _commit(tmp_path) == COMMIT


def test_outside_a_clone_the_commit_is_unknown(tmp_path: Path) -> None:
    assert _commit(tmp_path) == "unknown"
