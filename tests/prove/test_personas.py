"""Every task of the personas that the desk serves, in Arabic, French and English: time, clicks and keys."""

from __future__ import annotations

import pytest

from storage.users import LANGUAGES
from tests.review.conftest import chromium_alone, looker, staged  # noqa: F401  (fixtures)
from tests.review.personas import TASKS
from tests.review.test_personas import do_task

pytestmark = [pytest.mark.prove, pytest.mark.needs_chromium]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_a_persona_does_the_task_in_every_language(looker, staged, tmp_path, task):  # noqa: F811
    for language in sorted(LANGUAGES):
        seconds, clicks, keys = do_task(looker, staged, task, language, tmp_path)
        print(
            f"\n{task.id:16} {language}  {seconds:6.1f} s of {task.target_seconds:4} s  {clicks:3} clicks"
            f"  {keys:4} keys  {task.name}",
            end="",
        )
        assert seconds < task.target_seconds
