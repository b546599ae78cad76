"""Scripts of ours in a page: in a world of their own, which shares the page's elements and none of its variables.

What a page puts in the place of `MutationObserver` or `outerHTML` is not there for them, so it cannot change what is
read of it. Sent to the engine directly: Playwright's `evaluate` costs a fifth of a page, for what it adds to each.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from playwright.async_api import CDPSession
from playwright.async_api import Error as PlaywrightError

_NAME = "relicwatch"
_NOT_THERE = "Cannot find context"
_REPLACED = (_NOT_THERE, "context was destroyed", "Promise was collected", "Inspected target navigated")
_DOM = """() => {
    const kind = document.doctype ? new XMLSerializer().serializeToString(document.doctype) : '';
    return kind + (document.documentElement ? document.documentElement.outerHTML : '');
}"""


class DocumentReplaced(PlaywrightError):
    """Another document took the place of the one that the script ran in."""


class OwnWorld:
    """Ours in whatever document the page's main frame shows."""

    def __init__(self, session: CDPSession, frame_id: str) -> None:
        self._session = session
        self._frame_id = frame_id
        self._context: int | None = None
        self._crash = asyncio.get_running_loop().create_future()

    async def run(self, function: str, argument: object = None) -> Any:
        """What the JavaScript function returns (JSON), its promise awaited.

        Raises DocumentReplaced where its document went away below it, playwright's Error where it throws or the page
        crashes.
        """
        call = f"({function})({json.dumps(argument)})"
        if self._context is not None:
            try:
                return await self._run(call, self._context)
            except DocumentReplaced as error:
                if _NOT_THERE not in str(error):
                    raise
        return await self._run(call, await self._made())

    def note_crash(self) -> None:
        """The page's process ended: the engine answers nothing any more, neither what was asked before nor after."""
        if not self._crash.done():
            self._crash.set_result(None)

    async def dom(self) -> str:
        """The document as it stands, as HTML. Raises what `run` raises."""
        return str(await self.run(_DOM))

    async def _made(self) -> int:
        asked = {"frameId": self._frame_id, "worldName": _NAME}
        self._context = int((await self._send("Page.createIsolatedWorld", asked))["executionContextId"])
        return self._context

    async def _run(self, call: str, context: int) -> Any:
        asked = {"expression": call, "contextId": context, "awaitPromise": True, "returnByValue": True}
        try:
            told = await self._send("Runtime.evaluate", asked)
        except PlaywrightError as error:
            if any(words in str(error) for words in _REPLACED):
                raise DocumentReplaced(str(error)) from error
            raise
        if "exceptionDetails" in told:
            thrown = told["exceptionDetails"]
            raise PlaywrightError(str(thrown.get("exception", {}).get("description") or thrown["text"]))
        return told["result"].get("value")

    async def _send(self, method: str, asked: dict[str, Any]) -> Any:
        answer = asyncio.ensure_future(self._session.send(method, asked))
        try:
            await asyncio.wait({answer, self._crash}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise PlaywrightError("the page crashed")
            return answer.result()
        finally:
            answer.cancel()
