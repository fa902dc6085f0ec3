"""JSON Schema (2020-12) of everything that travels, generated from the structs: `python -m schemas.json_schema`.

The files lie in `schemas/json/`; a test holds them in step.
"""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any, Final

import msgspec

from schemas.bulletin import Advisory
from schemas.bundle import Identity, LanguageContent, Report
from schemas.extension import Extension
from schemas.register import WireAgreement, WireEntry
from schemas.tombstone import WireTombstone

FOLDER: Final = pathlib.Path(__file__).parent / "json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ROOTS: Final[dict[str, tuple[type, str]]] = {
    "report": (Report, "The STIX report of a bulletin, with our extension"),
    "extension": (Extension, "The property-extension of a bulletin, format 1"),
    "identity": (Identity, "The identity of an origin"),
    "language-content": (LanguageContent, "A translation of a bulletin"),
    "tombstone": (WireTombstone, "A tombstone, format 1"),
    "register-entry": (WireEntry, "The register entry of a node"),
    "agreement": (WireAgreement, "What one node lets a peer have"),
    "advisory": (Advisory, "An advisory of an outside source, normalised"),
}


def documents() -> dict[str, bytes]:
    """File name -> the bytes that the file must have."""
    return {f"{name}.json": _document(root, title) for name, (root, title) in _ROOTS.items()}


def _document(root: type, title: str) -> bytes:
    (top,), parts = msgspec.json.schema_components([root], ref_template="#/$defs/{name}")
    made: dict[str, Any] = {"$schema": _DIALECT, "title": title, **top, "$defs": dict(sorted(parts.items()))}
    return (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode()


def write(folder: pathlib.Path) -> list[str]:
    """Writes the files that are not in step and answers their names."""
    folder.mkdir(exist_ok=True)
    changed = [name for name, wanted in documents().items() if not _holds(folder / name, wanted)]
    for name in changed:
        (folder / name).write_bytes(documents()[name])
    return changed


def _holds(path: pathlib.Path, wanted: bytes) -> bool:
    return path.exists() and path.read_bytes() == wanted


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}\n" for name in write(FOLDER))
