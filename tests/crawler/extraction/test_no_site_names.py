"""Extraction works by shape: no host name of any site stands in its code."""

import re
from pathlib import Path

ROOM = Path(__file__).resolve().parents[3] / "crawler" / "extraction"
HOST = re.compile(r"\b[a-z0-9-]+\.(?:com|net|org|co|de|fr|it|uk|jp|eu|io|shop|store|art)\b", re.I)
ALLOWED = {"schema.org", "w3.org"}


def test_no_host_name_stands_in_extraction_code():
    found = {
        (path.name, match)
        for path in ROOM.glob("*.py")
        for match in HOST.findall(path.read_text("utf-8"))
        if match.lower() not in ALLOWED
    }
    assert found == set()
