"""The short form of the personas' tasks: each once, in one of the three languages. `make prove` does all in each."""

from __future__ import annotations

import time

import pytest

from storage.users import LANGUAGES
from tests.review.personas import TASKS, Hands, Task

pytestmark = pytest.mark.needs_chromium
LONG = "dismiss 20 replicas by keyboard"
"""Done in each language by test_browser."""


def do_task(looker, staged, task: Task, language: str, files) -> tuple[float, int, int]:
    """Seconds of the machine's part, clicks, keys."""
    with looker.look(task.role, language) as page:
        page.goto(staged.address + "/")
        page.wait_for_load_state()
        hands = Hands(page, staged, files)
        if task.prepare is not None:
            task.prepare(staged, hands.number)
            page.reload()
            page.wait_for_load_state()
        assert page.get_attribute("html", "lang") == language
        began = time.monotonic()
        task.do(hands)
        return time.monotonic() - began, hands.clicks, hands.keys


@pytest.mark.parametrize(
    ("task", "language"),
    [(task, LANGUAGES[at % 3]) for at, task in enumerate(one for one in TASKS if one.name != LONG)],
    ids=lambda one: one.id if isinstance(one, Task) else one,
)
def test_a_persona_does_the_task_in_the_target_time(looker, staged, tmp_path, task, language):
    seconds, clicks, _ = do_task(looker, staged, task, language, tmp_path)
    assert seconds < task.target_seconds
    assert clicks <= 25
