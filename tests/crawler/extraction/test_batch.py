import json

import pytest

from crawler.extraction.batch import ManifestError, extract_batch

PAGE = '<title>Lamp</title><h1>Lamp</h1><b class="price">€ 12,50</b>'


def write_manifest(directory, *lines):
    manifest = directory / "manifest.jsonl"
    manifest.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return manifest


def test_records_come_in_the_manifests_order_and_as_plain_json(tmp_path):
    (tmp_path / "a.html").write_text(PAGE, "utf-8")
    (tmp_path / "b.html").write_bytes("<title>تمثال برونزي</title>".encode("cp1256"))
    manifest = write_manifest(
        tmp_path,
        {"path": "a.html", "url": "https://a.example/item/12345", "charset": "utf-8"},
        {"path": "missing.html", "url": ""},
        "",
        {"path": str(tmp_path / "b.html"), "url": "", "charset": "windows-1256"},
    )
    first, second, third = extract_batch(manifest)
    assert json.loads(json.dumps(first)) == first
    assert (first["kind"], first["title"], first["price"], first["currency"]) == ("listing", "Lamp", "12.50", "EUR")
    assert first["sources"]["price"] == "visible:price near heading"
    assert "missing.html cannot be read" in second["error"]
    assert third["title"] == "تمثال برونزي"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("{", "no JSON"),
        ("[]", '"path" is missing'),
        ('{"url": "x"}', '"path" is missing'),
        ('{"path": 3}', '"path" is missing'),
        ('{"path": "a", "url": 1}', '"url" is no text'),
    ],
)
def test_a_broken_line_is_named_before_anything_is_read(tmp_path, line, part):
    manifest = write_manifest(tmp_path, {"path": "a.html"}, line)
    with pytest.raises(ManifestError, match="line 2") as fault:
        list(extract_batch(manifest))
    assert part in str(fault.value)
    assert str(manifest) in str(fault.value)


def test_a_missing_manifest_is_a_clear_error(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read"):
        list(extract_batch(tmp_path / "none.jsonl"))
