"""What nodes know of each other, as JSON files: the register entry of a peer and the agreement with it (FORMAT "Keys").

The skeleton reads them from files that operators exchange; the federation issue signs the entry with the root key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final, Literal, TypeVar

import msgspec

from schemas import gate
from schemas.addresses import check_nats_url, check_public_url
from schemas.extension import Count, Hex32, Time
from schemas.keys import KeyError_, Prefix, decode_public
from schemas.places import parse_origin, parse_place
from schemas.times import format_time, parse_time
from schemas.vocabulary import KeyState, KeyUse, Lane, Mode, Tlp, Topic

S = TypeVar("S")
T = TypeVar("T", bound=msgspec.Struct)

_TIMES: Final = frozenset({"from_", "until", "compromised_at"})

_PREFIXES: Final[dict[KeyUse, Prefix]] = {
    KeyUse.SIGN_LIVE: "A",
    KeyUse.SIGN_EXERCISE: "A",
    KeyUse.CONNECT: "U",
    KeyUse.ROOT: "O",
}
_SIGNING: Final = {
    Mode.LIVE: frozenset({KeyUse.SIGN_LIVE, KeyUse.SIGN_EXERCISE}),
    Mode.EXERCISE: frozenset({KeyUse.SIGN_EXERCISE}),
}
_MAX_NAME: Final = 200


class RegisterKey(msgspec.Struct, frozen=True, kw_only=True):
    """One public key of a node: what it may do and when. `until` is None while no end is set."""

    public: str
    use: KeyUse
    from_: dt.datetime
    until: dt.datetime | None = None
    state: KeyState = KeyState.ACTIVE
    compromised_at: dt.datetime | None = None


class RegisterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who a node is. `serial` strictly rises; `tls_spki_sha256` is hex; a node that cannot be dialled has no `nats_url`."""

    place: str
    serial: int
    mode: Mode
    name: str
    origins: tuple[str, ...]
    keys: tuple[RegisterKey, ...]
    nats_url: str | None = None
    tls_spki_sha256: str | None = None
    public_url: str


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """What a peer may send: messages a day, and bytes kept."""

    max_messages_per_day: Count = 10_000
    max_bytes: Count = 1_000_000_000


class AgreementFile(msgspec.Struct, frozen=True, kw_only=True):
    """What one node lets a peer have. `topics` "*" means every topic of the list, an empty tuple none."""

    peer: str
    topics: tuple[Topic, ...] | Literal["*"]
    ceiling: Tlp
    lanes: tuple[Lane, ...]
    from_: dt.datetime
    until: dt.datetime | None = None
    redistribution: bool = False
    caps: Caps = Caps()

    @property
    def topic_set(self) -> frozenset[Topic]:
        """The topics spelt out."""
        return frozenset(Topic) if self.topics == "*" else frozenset(self.topics)


class WireKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}):
    """A key as it is written."""

    public: str
    use: KeyUse
    from_: Time
    until: Time | None = None
    state: KeyState
    compromised_at: Time | None = None


class WireEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry as it is written."""

    place: str
    serial: Count
    mode: Mode
    name: str
    origins: tuple[str, ...]
    keys: tuple[WireKey, ...]
    nats_url: str | None = None
    tls_spki_sha256: Hex32 | None = None
    public_url: str


class WireAgreement(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """An agreement as it is written."""

    peer: str
    topics: tuple[Topic, ...] | Literal["*"]
    ceiling: Tlp
    lanes: tuple[Lane, ...]
    from_: Time
    until: Time | None = None
    redistribution: bool
    caps: Caps


_ENTRY: Final = msgspec.json.Decoder(WireEntry)
_AGREEMENT: Final = msgspec.json.Decoder(WireAgreement)


def encode_entry(entry: RegisterEntry) -> bytes:
    """The entry's JSON; ValueError when a part does not fit."""
    check_entry(entry)
    return msgspec.json.encode(_turn(entry, WireEntry, keys=tuple(_turn(key, WireKey) for key in entry.keys)))


def decode_entry(payload: bytes) -> RegisterEntry:
    """The entry in these bytes; ValueError saying which part does not fit."""
    wire = _decode(_ENTRY, payload, "a register entry")
    entry = _turn(wire, RegisterEntry, keys=tuple(_turn(key, RegisterKey) for key in wire.keys))
    check_entry(entry)
    return entry


def encode_agreement(agreement: AgreementFile) -> bytes:
    """The agreement's JSON; ValueError when a part does not fit."""
    check_agreement(agreement)
    return msgspec.json.encode(_turn(agreement, WireAgreement))


def decode_agreement(payload: bytes) -> AgreementFile:
    """The agreement in these bytes; ValueError saying which part does not fit."""
    agreement = _turn(_decode(_AGREEMENT, payload, "an agreement"), AgreementFile)
    check_agreement(agreement)
    return agreement


def _turn(value: msgspec.Struct, into: type[T], **other: object) -> T:
    """The same members in the other form: wire texts for datetimes, or back."""
    plain = {name: getattr(value, name) for name in value.__struct_fields__}
    for name in _TIMES & plain.keys():
        moment = plain[name]
        if isinstance(moment, str):
            plain[name] = parse_time(moment)
        elif moment is not None:
            plain[name] = format_time(moment)
    return into(**plain | other)


def _decode(decoder: msgspec.json.Decoder[S], payload: bytes, what: str) -> S:
    try:
        gate.check(payload.strip())
        return decoder.decode(payload)
    except gate.GateError as error:
        raise ValueError(f"not {what}: {error.message}") from None
    except msgspec.ValidationError as error:
        raise ValueError(f"not {what}: {error}") from None


def check_entry(entry: RegisterEntry) -> None:
    """ValueError unless places, origins, keys and addresses are right and every key has one use."""
    parse_place(entry.place)
    if not entry.name.strip() or len(entry.name) > _MAX_NAME:
        raise ValueError(f"name: 1 to {_MAX_NAME} characters")
    _check_origins(entry.place, entry.origins)
    _check_keys(entry.mode, entry.keys)
    check_public_url(entry.public_url)
    if (entry.nats_url is None) != (entry.tls_spki_sha256 is None):
        raise ValueError("nats_url and tls_spki_sha256 stand together or not at all")
    if entry.nats_url is not None:
        check_nats_url(entry.nats_url)


def _check_origins(place: str, origins: Sequence[str]) -> None:
    if not origins or len(set(origins)) != len(origins):
        raise ValueError("origins: at least one, each once")
    for origin in origins:
        if parse_origin(origin).place != place:
            raise ValueError(f"origins: {origin} is not of {place}")


def _check_keys(mode: Mode, keys: Sequence[RegisterKey]) -> None:
    if len({_raw(key) for key in keys}) != len(keys):
        raise ValueError("keys: a key has one use and stands once")
    if not any(key.use in _SIGNING[mode] for key in keys):
        raise ValueError(f"keys: at least one that signs ({' or '.join(sorted(_SIGNING[mode]))})")
    for key in keys:
        if mode is Mode.EXERCISE and key.use is KeyUse.SIGN_LIVE:
            raise ValueError("keys: an exercise node has no live signing key")
        _check_span(key.from_, key.until)
        if (key.state is KeyState.COMPROMISED) != (key.compromised_at is not None):
            raise ValueError("keys: compromised_at stands exactly with state compromised")


def _raw(key: RegisterKey) -> bytes:
    """The key's bytes without its type: one pair under two types would be one key with two uses."""
    try:
        return decode_public(key.public, _PREFIXES[key.use])
    except KeyError_ as error:
        raise ValueError(f"keys: {key.use} {key.public[:60]!r}: {error.message}") from None


def check_agreement(agreement: AgreementFile) -> None:
    """ValueError unless the peer is a place, the ceiling can travel and the span is one."""
    parse_place(agreement.peer)
    if agreement.ceiling is Tlp.RED:
        raise ValueError("ceiling: TLP:RED never travels")
    for values in (agreement.topics, agreement.lanes):
        if len(set(values)) != len(values):
            raise ValueError("topics and lanes name each word once")
    _check_span(agreement.from_, agreement.until)


def _check_span(start: dt.datetime, end: dt.datetime | None) -> None:
    if end is not None and end <= start:
        raise ValueError("until lies after from")
