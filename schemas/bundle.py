"""The STIX 2.1 bundle around a bulletin: object shapes, built-in constants, and what every bundle must keep (FORMAT "Bundle").

Objects are taken apart by type from `msgspec.Raw`, so that one broken object does not cost the others. Constants in a
bundle are compared with our own and never believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from schemas import gate, marking
from schemas.extension import EXTENSION_DEFINITION, EXTENSION_ID, Extension, LooseExtension, OpenExtension, Time
from schemas.vocabulary import Tlp

CONSTANTS: Final[dict[str, dict[str, Any]]] = {
    EXTENSION_ID: EXTENSION_DEFINITION,
    **{marking.MARKING_IDS[tlp]: marking.MARKINGS[tlp] for tlp in Tlp},
}

_BUNDLE_ID: Final = "^bundle--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


class StixError(ValueError):
    """A bundle or tombstone is refused; `code` says in a word why.

    A gate code or one of these: "structure" (not the shape of format 1), "constant" (a built-in object was changed or is
    missing), "marking", "report-id", "identity", "exercise", "product", "content" (a member does not fit the others),
    "unsupported" (`crit` or `format` asks for more than this node knows) and "desk-only" (a topic, phase, caveat or record
    class of a later list).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Shell(msgspec.Struct, frozen=True):
    """A bundle with its objects still in bytes."""

    type: Literal["bundle"]
    id: Annotated[str, Meta(pattern=_BUNDLE_ID, min_length=44, max_length=44)]
    objects: list[msgspec.Raw]


class ExternalReference(msgspec.Struct, frozen=True, omit_defaults=True):
    """STIX 2.1 section 2.5."""

    source_name: str
    external_id: str | None = None
    url: str | None = None
    hashes: dict[str, str] = {}


class Extensions(msgspec.Struct, frozen=True):
    """The report's extensions; those of others are let by."""

    hub: Extension = msgspec.field(name=EXTENSION_ID)


class OpenExtensions(msgspec.Struct, frozen=True):
    """As `Extensions` with open word lists."""

    hub: OpenExtension = msgspec.field(name=EXTENSION_ID)


class LooseExtensions(msgspec.Struct, frozen=True):
    """As `Extensions` with only what names an item."""

    hub: LooseExtension = msgspec.field(name=EXTENSION_ID)


class ReportHead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """STIX 2.1 section 4.16, without the extensions."""

    type: Literal["report"]
    spec_version: Literal["2.1"]
    id: str
    created_by_ref: str
    created: Time
    modified: Time
    name: str
    description: str
    report_types: tuple[str, ...] = ()
    published: Time
    object_refs: tuple[str, ...]
    labels: tuple[str, ...] = ()
    confidence: int | None = None
    lang: str = ""
    external_references: tuple[ExternalReference, ...] = ()
    object_marking_refs: tuple[str, ...]
    revoked: bool = False


class Report(ReportHead, frozen=True, kw_only=True, omit_defaults=True):
    """A report that is a bulletin of format 1."""

    extensions: Extensions


class OpenReport(ReportHead, frozen=True, kw_only=True, omit_defaults=True):
    """A report that would be one with longer word lists."""

    extensions: OpenExtensions


class LooseReport(msgspec.Struct, frozen=True, kw_only=True):
    """What names a report of any format."""

    id: str
    created_by_ref: str
    object_marking_refs: tuple[str, ...]
    extensions: LooseExtensions


class Identity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """STIX 2.1 section 4.5."""

    type: Literal["identity"]
    spec_version: Literal["2.1"]
    id: str
    created: Time
    modified: Time
    name: str
    identity_class: str | None = None
    sectors: tuple[str, ...] = ()


class Words(msgspec.Struct, frozen=True):
    """A report's two texts in one language."""

    name: str
    description: str


class LanguageContent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """STIX 2.1 section 7.1."""

    type: Literal["language-content"]
    spec_version: Literal["2.1"]
    id: str
    created_by_ref: str | None = None
    created: Time
    modified: Time
    object_ref: str
    contents: dict[str, Words]
    object_marking_refs: tuple[str, ...] = ()


class Parts(msgspec.Struct, frozen=True):
    """A bundle taken apart: what is read stays in bytes, `heads` is every object in plain values, `losses` says what was dropped."""

    report: msgspec.Raw
    heads: tuple[dict[str, Any], ...]
    identities: tuple[msgspec.Raw, ...]
    languages: tuple[msgspec.Raw, ...]
    losses: tuple[str, ...]


SHELL: Final = msgspec.json.Decoder(Shell)


def take_apart(payload: bytes) -> Parts:
    """Gate, shell and dispatch; StixError when there is not exactly one report or a built-in object was changed."""
    try:
        document = gate.check(payload)
        shell = SHELL.decode(payload)
    except gate.GateError as error:
        raise StixError(error.code, error.message) from None
    except msgspec.ValidationError as error:
        raise StixError("structure", f"not a bundle: {error}") from None
    return _sort(document["objects"], shell.objects)


def _sort(documents: Sequence[Any], raws: Sequence[msgspec.Raw]) -> Parts:
    heads = tuple(head for head in documents if isinstance(head, dict))
    _compare_constants(heads)
    known: set[str] = set()
    by_type: dict[str, list[msgspec.Raw]] = {"report": [], "identity": [], "language-content": []}
    losses: list[str] = []
    for position, (head, raw) in enumerate(zip(documents, raws, strict=True)):
        fault = _fault(head, known)
        if fault is not None:
            losses.append(f"objects[{position}]: {fault}")
            continue
        known.add(head["id"])
        by_type.get(head["type"], []).append(raw)
    if sum(head.get("type") == "report" for head in heads) != 1 or not by_type["report"]:
        raise StixError("structure", "a bundle has exactly one report, with an id of its own")
    languages, identities = tuple(by_type["language-content"]), tuple(by_type["identity"])
    return Parts(by_type["report"][0], heads, identities, languages, tuple(losses))


def _fault(head: object, known: set[str]) -> str | None:
    """Why this object is dropped, or None."""
    if not isinstance(head, dict):
        return "not an object"
    kind, identity = head.get("type"), head.get("id")
    if not isinstance(kind, str) or not isinstance(identity, str) or not identity.startswith(f"{kind}--"):
        return "no type and id that go together"
    return f"a second {identity[:80]}" if identity in known else None


def _compare_constants(heads: Sequence[dict[str, Any]]) -> None:
    """Also looks at objects that are dropped later: a second or broken copy of a constant costs the item."""
    present = False
    for head in heads:
        identity = head.get("id")
        if isinstance(identity, str) and identity in CONSTANTS:
            present |= identity == EXTENSION_ID
            if head != CONSTANTS[identity]:
                raise StixError("constant", f"{identity} is not what it must be")
    if not present:
        raise StixError("constant", "the extension-definition is missing")


def marking_of(parts: Parts, refs: Sequence[str]) -> Tlp:
    """The report's level from its `refs`, once no object of the bundle is stricter; StixError otherwise.

    The report has exactly one ref, of TLP 2.0, and the bundle holds that marking. An object without a ref shares the
    report's; a ref that nobody knows counts as AMBER+STRICT.
    """
    if len(refs) != 1 or refs[0] not in marking.BY_MARKING_ID:
        raise StixError("marking", "a report has exactly one marking, of TLP 2.0")
    tlp = marking.BY_MARKING_ID[refs[0]]
    if all(head.get("id") != refs[0] for head in parts.heads):
        raise StixError("marking", "the report's marking-definition is missing")
    for head in parts.heads:
        _refuse_stricter(head, tlp)
    return tlp


def _refuse_stricter(head: dict[str, Any], tlp: Tlp) -> None:
    name = str(head.get("id"))[:80]
    if "granular_markings" in head:
        raise StixError("marking", f"{name} has granular markings")
    if "object_marking_refs" not in head:
        return
    refs = head["object_marking_refs"]
    if not isinstance(refs, list) or not all(isinstance(ref, str) for ref in refs):
        raise StixError("marking", f"{name} has no readable marking")
    if any(marking.rank(marking.of_marking_id(ref)) > marking.rank(tlp) for ref in refs):
        raise StixError("marking", f"{name} is marked more strictly than the report")
