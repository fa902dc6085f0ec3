"""Documents that want more than to be read: clear errors, at once, and nothing of this machine in them."""

from __future__ import annotations

import base64
import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import cap
from tests.schemas.cap_made import alert, document, info

BODY = alert().encode()
DOCTYPE = "<?xml version='1.0'?>\n<!DOCTYPE alert [{}]>\n"
LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))


def refused(data: bytes) -> str:
    start = time.monotonic()
    with pytest.raises(cap.CapError) as caught:
        cap.read(data)
    assert time.monotonic() - start < 5
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        DOCTYPE.format("") + BODY.decode(),
        "<!DOCTYPE alert>" + BODY.decode(),
        '<!DOCTYPE alert SYSTEM "http://127.0.0.1:9/x.dtd">' + BODY.decode(),
        '<!DOCTYPE alert PUBLIC "-//X//EN" "http://127.0.0.1:9/x.dtd" [ %x; ]>' + BODY.decode(),
    ],
)
def test_a_doctype_is_refused(data: str) -> None:
    assert "DOCTYPE" in refused(data.encode()) or "not well-formed" in refused(data.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7", "cp037"])
def test_a_doctype_hides_in_no_encoding(encoding: str) -> None:
    with pytest.raises(cap.CapError):
        cap.read((DOCTYPE.format('<!ENTITY x "y">') + BODY.decode()).encode(encoding))


def test_no_entity_reads_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-secret-word")
    for entity in (f'<!ENTITY x SYSTEM "file://{secret}">', f'<!ENTITY % p SYSTEM "file://{secret}"> %p;'):
        text = DOCTYPE.format(entity) + alert(note="&x;")
        assert "the-secret-word" not in refused(text.encode())
    included = f'<x xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file://{secret}" parse="text"/></x>'
    assert "the-secret-word" not in refused(included.encode())


@pytest.mark.parametrize("place", ["note", "attribute"])
def test_a_billion_laughs_are_not_laughed(place: str) -> None:
    body = alert(note="&l12;") if place == "note" else alert().replace("<alert ", '<alert x="&l12;" ')
    refused((DOCTYPE.format('<!ENTITY l0 "ha">' + LAUGHS) + body).encode())


def test_parameter_entities_are_not_laughed_at_either() -> None:
    laughs = (
        '<!ENTITY % p0 "ha">' + "".join(f'<!ENTITY % p{n + 1} "{f"&#37;p{n};" * 10}">' for n in range(12)) + "%p12;"
    )
    refused((DOCTYPE.format(laughs) + BODY.decode()).encode())


@pytest.mark.parametrize("depth", [300, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    deep = "<a>" * depth + "</a>" * depth
    assert "not well-formed" in refused(deep.encode())
    assert "not well-formed" in refused(document(info(deep)))


def test_as_deep_as_the_parser_goes_is_read() -> None:
    assert cap.read(document(info("<a>" * 250 + "</a>" * 250)))


def test_a_text_without_end_is_refused() -> None:
    assert "not well-formed" in refused(document(note="x" * 11_000_000))


def test_a_document_without_end_is_refused() -> None:
    assert "larger" in refused(b" " * (cap.MAX_BYTES + 1))


def test_many_small_elements_take_no_long_time() -> None:
    start = time.monotonic()
    assert "elements" in refused(document(info("<category>Met</category>" * 200_000)))
    cap.read(document(info("<category>Met</category>" * 20_000)))
    cap.read(document(references="a " * 500_000))
    cap.read(document(note="x", references="," * 500_000))
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"\0", b"<", b"<alert", b"{}", b"no xml at all", b"\xff\xfe", b"\xef\xbb\xbf",
        b"<?xml version='1.0' encoding='utf-8'?><alert>\xff</alert>",
        b"<?xml version='1.0' encoding='no-such'?><alert/>",
        b"<?xml version='1.0' encoding='utf-16'?><alert/>",
        b"<a/><b/>", b"<a></b>", b"<a b='1' b='2'/>", b"<a>&undefined;</a>", b"<a>&#0;</a>", b"<a>&#xd800;</a>",
        b"<a>\x01</a>", b"<x:a/>", b"<a/>", b"<alert/>", b"<html><body>Bad gateway</body></html>",
        base64.b64encode(BODY),
    ],
)  # fmt: skip
def test_what_is_no_cap_is_told_in_words(data: bytes) -> None:
    assert refused(data)


@pytest.mark.parametrize("end", range(1, len(BODY), 37))
def test_a_truncated_message_is_refused(end: int) -> None:
    refused(BODY[:end])


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(cap.CapError):
        cap.read(data)


@given(st.data())
def test_a_message_with_bytes_changed_is_read_or_refused(data: st.DataObject) -> None:
    bent = bytearray(BODY)
    for _ in range(data.draw(st.integers(1, 4))):
        bent[data.draw(st.integers(0, len(bent) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(cap.CapError):
        assert cap.read(bytes(bent)).identity.sender


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_declared_encodings_are_honoured(encoding: str) -> None:
    text = f"<?xml version='1.0' encoding='{encoding}'?>" + alert(note="Año nuevo")
    assert cap.read(text.encode(encoding)).note == "Año nuevo"
