"""Writes `docs/vectors/*.json`: `python -m tests.schemas.vectors`. Fixed seeds, so that every run writes the same bytes."""

from __future__ import annotations

import base64
import datetime as dt
import json
import sys
from pathlib import Path

import msgspec
from nacl.signing import SigningKey

from schemas import content, envelope, keys, product, stix
from schemas.bulletin import AdvisoryRef, Approval, Area, Attachment, RoleAction, Stamp, Tombstone, Translation
from schemas.extension import EXTENSION_DEFINITION
from schemas.marking import MARKINGS
from schemas.subjects import BulletinSubject, RecallSubject
from schemas.vocabulary import Audience, Caveat, Lane, Mode, Reason, Tlp, TombstoneKind, Topic
from tests.schemas import made, test_gate, test_keys, test_product, test_stix_hostile, test_subjects, test_times

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "vectors"
SEED = bytes(range(32))
PAIR = SigningKey(SEED)
KEY = keys.encode_public("A", bytes(PAIR.verify_key))
LONGEST = 4_096  # a bad document that is larger than this is told in words in the tests only

CLEAR = msgspec.structs.replace(
    made.PLAIN, tlp=Tlp.CLEAR, stamp=Stamp("TX-2026-0042", 1, made.MOMENT, ()), actions=(), areas=()
)
FULL = msgspec.structs.replace(
    made.PLAIN,
    mode=Mode.EXERCISE,
    origin="tx-ntic",
    headline="EXERCISE: Hoax calls at schools \u2013 \u00fcbung \U0001f6a8",
    text='Callers name a "shooter".\nVerify before you act.',
    topic=Topic.SWATTING,
    also=(Topic.VIOLENCE,),
    lane=Lane.FLASH,
    basis="Three calls in an hour, one voice.",
    actions=(RoleAction("principal", "Call the known number back."), RoleAction("it-staff", "Keep the call record.")),
    areas=(Area("TX", "48000"), Area("TX", None, "TXZ192"), Area(None, None, "GMZ335")),
    next_update_by=made.MOMENT + dt.timedelta(hours=1),
    caveats=(Caveat.NO_REDISTRIBUTION,),
    advisory=AdvisoryRef(
        "a7b1f0a4-9a0d-5c9e-8a53-1d0f6a3c2b10", "cisa-kev", "CVE-2026-1000", "https://example.org/a", "ab" * 32
    ),
    attachments=(Attachment("calls.pdf", "application/pdf", 1024, "cd" * 32, Tlp.GREEN),),
    translations=(Translation("es", "EXERCISE: Llamadas falsas", "Verifique antes de actuar."),),
    crit=("caveats",),
    minor=True,
)
NAMED = msgspec.structs.replace(
    made.PLAIN,
    tlp=Tlp.AMBER,
    audience=Audience.NAMED,
    audience_commitment=content.audience_commitment(bytes(range(16)), ["ok"]),
    stamp=Stamp("TX-2026-R0007", 2, made.MOMENT, ()),
)
GONE = Tombstone(
    mode=Mode.LIVE,
    origin="tx",
    product_id="TX-2026-0042",
    report_id=content.report_id(Mode.LIVE, "tx", CLEAR.seed),
    version=1,
    kind=TombstoneKind.WITHDRAWN,
    reason=Reason.ERROR,
    serial=9,
    salt="0f" * 16,
    issued=made.MOMENT,
    replaced_by="TX-2026-0043",
)
NARROWED = msgspec.structs.replace(
    GONE, product_id="TX-2026-R0007", version=3, kind=TombstoneKind.NARROWED, reason=Reason.AUDIENCE, replaced_by=None
)


def stamped_full():
    """Approved as a draft, then stamped: the approvals cover the content hash that both share."""
    inner = content.content_hash(stix.encode(FULL))
    given = tuple(
        Approval(f"person-{number}", role, "publish", made.MOMENT, content.approval_hash("publish", role, inner).hex())
        for number, role in enumerate(("supervisor", "director"))
    )
    later = made.MOMENT + dt.timedelta(minutes=5)
    stamp = Stamp("TX-NTIC-EX-2026-0007", 1, later, given)
    return msgspec.structs.replace(FULL, modified=later, published=later, stamp=stamp)


def subject_of(bulletin, audience):
    return str(BulletinSubject(bulletin.mode, bulletin.origin, bulletin.lane, audience, bulletin.tlp, bulletin.topic))


def message(name, subject, payload):
    sealed = envelope.seal(subject, payload, KEY, lambda data: PAIR.sign(data).signature)
    return {
        "name": name,
        "subject": subject,
        "payload": payload.decode(),
        "sha256": envelope.payload_hash(payload).hex(),
        "signed": envelope.signed_bytes(subject, envelope.payload_hash(payload)).hex(),
        "headers": envelope.headers(sealed),
    }


def bulletin_message(name, audience, bulletin):
    payload = stix.encode(bulletin)
    draft = stix.encode(msgspec.structs.replace(bulletin, stamp=None))
    return message(name, subject_of(bulletin, audience), payload) | {
        "content_hash": content.content_hash(payload).hex(),
        "draft": draft.decode(),
        "report_id": content.report_id(bulletin.mode, bulletin.origin, bulletin.seed),
        "product_id": bulletin.stamp.product_id,
        "version": bulletin.stamp.version,
    }


def tombstone_message(name, audience, tombstone):
    subject = str(RecallSubject(tombstone.mode, tombstone.origin, audience))
    told = {"product_id": tombstone.product_id, "version": tombstone.version, "report_id": tombstone.report_id}
    return message(name, subject, stix.encode_tombstone(tombstone)) | told


def messages():
    return {
        "signing_seed": SEED.hex(),
        "public_key": KEY,
        "messages": [
            bulletin_message("the least bulletin", "all", CLEAR),
            bulletin_message("every member, an exercise of a desk", "all", stamped_full()),
            bulletin_message("the same payload as a copy", "to-ok", stamped_full()),
            bulletin_message("named audience", "to-ok", NAMED),
            tombstone_message("withdrawn", "all", GONE),
            tombstone_message("narrowed", "to-va", NARROWED),
        ],
    }


def bad_envelopes():
    good = message("good", subject_of(CLEAR, "all"), stix.encode(CLEAR))
    headers = good["headers"]
    small = keys.encode_public("A", bytes(PAIR.verify_key))[:1] + test_keys.spell("A", b"\1" + bytes(31))[1:]
    login = keys.encode_public("U", bytes(PAIR.verify_key))
    signature = headers["Hub-Sig"]
    cases = [
        ("another subject", {"subject": subject_of(CLEAR, "to-ok")}, {}, "signature"),
        ("one more byte of payload", {"payload": good["payload"] + " "}, {}, "signature"),
        (
            "one bit of the signature",
            {},
            {"Hub-Sig": ("B" if signature[0] == "A" else "A") + signature[1:]},
            "signature",
        ),
        ("padded", {}, {"Hub-Sig": signature + "=="}, "signature"),
        ("not canonical", {}, {"Hub-Sig": spare_bits(signature)}, "signature"),
        ("S beyond the group order", {}, {"Hub-Sig": beyond_the_order(signature)}, "signature"),
        ("the key of a login", {}, {"Hub-Key": login}, "key"),
        (
            "a key of small order",
            {},
            {"Hub-Key": small, "Hub-Sig": envelope.encode_signature(b"\1" + bytes(63))},
            "key",
        ),
        (
            "a key with a broken checksum",
            {},
            {"Hub-Key": KEY[:20] + ("A" if KEY[20] != "A" else "B") + KEY[21:]},
            "key",
        ),
        ("no signature", {}, {"Hub-Sig": None}, "headers"),
        ("no message id", {}, {"Nats-Msg-Id": None}, "headers"),
        ("another spelling", {}, {"Hub-Sig": None, "hub-sig": signature}, "headers"),
        ("a second spelling", {}, {"HUB-KEY": KEY}, "headers"),
        ("headers beyond 4,096 bytes", {}, {"Trace": "x" * 4_000}, "headers"),
    ]
    bad = [
        {
            "name": name,
            **change,
            "headers": {key: value for key, value in (headers | other).items() if value is not None},
            "error": error,
        }
        for name, change, other, error in cases
    ]
    return {"good": good, "bad": bad}


def spare_bits(signature):
    """The same 64 bytes for a careless decoder: the last character has four bits to spare."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]


def beyond_the_order(signature):
    order = 2**252 + 27742317777372353535851937790883648493
    raw = envelope.decode_signature(signature)
    return envelope.encode_signature(raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little"))


def bad_documents():
    return [
        {"name": name, "payload_base64": base64.b64encode(payload).decode(), "error": error}
        for name, (payload, error) in test_gate.BAD.items()
        if len(payload) <= LONGEST
    ]


def bad_bundles():
    cases = []
    for name, (change, error) in test_stix_hostile.REFUSED.items():
        it = test_stix_hostile.Changed()
        change(it)
        cases.append({"name": name, "patch": difference(test_stix_hostile.GOOD, it.bundle), "error": error})
    return {"bundle": test_stix_hostile.GOOD, "bad": cases}


def bad_tombstones():
    good = test_stix_hostile.TOMBSTONE
    cases = [{"with": members, "error": error} for members, error in test_stix_hostile.BAD_TOMBSTONES]
    return {"tombstone": good, "bad": cases}


def difference(one, other, where=""):
    """A JSON Patch (RFC 6902) from one document to the other."""
    if one == other:
        return []
    if isinstance(one, dict) and isinstance(other, dict):
        return dict_difference(one, other, where)
    if isinstance(one, list) and isinstance(other, list):
        return list_difference(one, other, where)
    return [{"op": "replace", "path": where, "value": other}]


def dict_difference(one, other, where):
    patch = [{"op": "remove", "path": f"{where}/{key}"} for key in one if key not in other]
    for key, value in other.items():
        if key in one:
            patch += difference(one[key], value, f"{where}/{key}")
        else:
            patch.append({"op": "add", "path": f"{where}/{key}", "value": value})
    return patch


def list_difference(one, other, where):
    if other[: len(one)] == one:
        return [{"op": "add", "path": f"{where}/-", "value": value} for value in other[len(one) :]]
    for index in range(len(one)):
        if one[:index] + one[index + 1 :] == other:
            return [{"op": "remove", "path": f"{where}/{index}"}]
    if len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [step for index, (old, new) in pairs for step in difference(old, new, f"{where}/{index}")]
    return [{"op": "replace", "path": where, "value": other}]


def derived():
    seed, salt = made.PLAIN.seed, made.PLAIN.salt
    names = ["va", "ok"]
    inner = content.content_hash(stix.encode(CLEAR))
    return {
        "report_ids": [
            {"mode": mode.value, "origin": origin, "seed": seed, "id": content.report_id(mode, origin, seed)}
            for mode in Mode
            for origin in ("tx", "tx-ntic")
        ],
        "identity_ids": [{"origin": origin, "id": content.identity_id(origin)} for origin in ("tx", "tx-ntic")],
        "bundle_ids": [{"origin": "tx", "seed": seed, "salt": salt, "id": content.bundle_id("tx", seed, salt)}],
        "language_ids": [
            {
                "origin": "tx",
                "seed": seed,
                "salt": salt,
                "lang": "es",
                "id": content.language_id("tx", seed, salt, "es"),
            }
        ],
        "approvals": [
            {
                "verb": "publish",
                "role": "supervisor",
                "content_hash": inner.hex(),
                "hash": content.approval_hash("publish", "supervisor", inner).hex(),
            }
        ],
        "audience_commitments": [
            {"salt": salt, "names": names, "commitment": content.audience_commitment(bytes.fromhex(salt), names)}
        ],
        "constants": {
            "extension_definition": EXTENSION_DEFINITION,
            "markings": {str(tlp): MARKINGS[tlp] for tlp in Tlp},
        },
    }


def spellings():
    raw = bytes(PAIR.verify_key)
    small = [number.to_bytes(32, "little") for number in (*test_keys.SMALL, *test_keys.SPELT_LONG)]
    return {
        "subjects": {
            "good": [message["subject"] for message in messages()["messages"]]
            + [
                "live.tx.bulletin.routine.g-tx-border-towns.clear.weather",
                "live.tx.rollcall.all",
                "live.ok.receipt.to-tx",
            ],
            "bad": [{"subject": text, "error": error} for text, error in test_subjects.BAD],
        },
        "product_ids": {
            "good": [
                {"text": text, **{name: getattr(one, name) for name in one.__struct_fields__}}
                for text, one in test_product.GOOD
            ],
            "bad": list(test_product.BAD),
        },
        "times": {"good": ["2026-11-23T15:04:05.678Z", "2026-01-01T00:00:00.000Z"], "bad": list(test_times.BAD)},
        "keys": {
            "good": [{"type": prefix, "public": keys.encode_public(prefix, raw), "raw": raw.hex()} for prefix in "AUO"],
            "bad": [{"public": text, "error": error} for text, error in test_keys.BAD if text.isascii()]
            + [{"public": keys.encode_public("U", raw), "error": "type"}]
            + [{"public": test_keys.spell("A", one), "error": "small-order"} for one in small],
        },
        "series": {tlp.value: product.series_of(tlp).value for tlp in Tlp},
    }


def documents():
    """File name -> the bytes that the file must have."""
    made_ = {
        "messages": messages(),
        "bad-envelopes": bad_envelopes(),
        "bad-documents": bad_documents(),
        "bad-bundles": bad_bundles(),
        "bad-tombstones": bad_tombstones(),
        "derived": derived(),
        "spellings": spellings(),
    }
    return {f"{name}.json": (json.dumps(value, indent=1) + "\n").encode() for name, value in made_.items()}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file, wanted in documents().items():
        (FOLDER / file).write_bytes(wanted)
        sys.stdout.write(f"{file} {len(wanted)}\n")
