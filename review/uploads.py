"""A file that a person sends with a form: known by its first bytes, kept in the home by its content."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData, UploadFile

from crawler.errors import RelicwatchError
from crawler.home import Home
from markets.approval import keep_file
from storage.case_work import Proof

MOST_BYTES = 10 * 1024 * 1024
KINDS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
"""First bytes and type of what may be attached. It is never shown in place: it leaves as a download."""


class UploadRefused(RelicwatchError):
    """The file is too long or of a kind that is not taken."""


async def sent_proof(home: Home, form: FormData) -> Proof | None:
    """The file of the field `proof`, kept; None where none was chosen. Raises UploadRefused."""
    sent: Any = form.get("proof")
    return await kept_proof(home, sent if isinstance(sent, UploadFile) else None)


async def kept_proof(home: Home, sent: UploadFile | None) -> Proof | None:
    """The file that was sent, kept; None where none was chosen. Raises UploadRefused."""
    if sent is None or not sent.filename:
        return None
    content = await sent.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UploadRefused(f"The file has more than {MOST_BYTES} bytes.")
    kind = next((kind for start, kind in KINDS if content.startswith(start)), None)
    if kind is None:
        raise UploadRefused("The file is no PDF, PNG or JPEG.")
    sha256 = keep_file(home, content)
    return Proof(sha256, sent.filename, kind, len(content))
