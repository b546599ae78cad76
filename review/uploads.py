"""A file that a person sends with a form: known by its first bytes, kept in the home by its content."""

from __future__ import annotations

import shutil
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData, UploadFile

from crawler.errors import RelicwatchError
from crawler.home import Home
from markets.approval import keep_file
from storage.audit import AuditChain
from storage.case_work import Proof
from storage.jobs import insert_job

MOST_BYTES = 10 * 1024 * 1024
KINDS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
"""First bytes and type of what may be attached. It is never shown in place: it leaves as a download."""


class UploadRefused(RelicwatchError):
    """The file is too long or of a kind that is not taken."""


def keep_for_import(home: Home, name: str, content: bytes) -> str:
    """Put a file below the home's uploads, where an import job finds and, once it is sealed, deletes it."""
    upload = uuid.uuid4().hex
    folder = home.root / "uploads" / upload
    folder.mkdir(mode=0o700, parents=True)
    (folder / _own_name(name)).write_bytes(content)
    return upload


def drop_upload(home: Home, upload: str) -> None:
    shutil.rmtree(home.root / "uploads" / upload, ignore_errors=True)


def ask_for_import(session: Session, chain: AuditChain, upload: str, *, who: str, when: datetime, actor: str) -> None:
    """Have the file imported by a job: saved by `who` at `when`."""
    arguments = {"upload": upload, "who": who, "when": when.isoformat(), "actor": actor}
    job = insert_job(session, "import", arguments, f"import:{upload}")
    chain.record(
        session,
        actor=actor,
        action="import asked for",
        object_kind="job",
        object_id=job.id if job is not None else 0,
    )


def _own_name(sent: str) -> str:
    """A name for a file of ours: its ending shows what kind it is, and no folder is in it."""
    plain = "".join(one for one in sent.replace("\\", "/").rpartition("/")[2] if one.isalnum() or one in " ._-()")
    return plain.lstrip(". ")[-100:] or "saved"


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
