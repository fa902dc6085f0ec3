"""Bundles that somebody changed: what must refuse the item, what costs one object only, what is let by."""

from __future__ import annotations

import copy
import json

import msgspec
import pytest

from schemas import content, marking, stix
from schemas.bulletin import Stamp, Translation
from schemas.extension import EXTENSION_ID
from schemas.vocabulary import Mode, Tlp
from tests.schemas import made

RELEASED = msgspec.structs.replace(
    made.PLAIN,
    stamp=Stamp("TX-2026-0042", 3, made.MOMENT, ()),
    translations=(Translation("es", "Rotura de una tubería", "Hasta el mediodía."),),
)
GOOD = json.loads(stix.encode(RELEASED))
STRICTER = marking.MARKING_IDS[Tlp.AMBER]


class Changed:
    """The good bundle with its objects by name; attribute access to what the cases change."""

    def __init__(self):
        self.bundle = copy.deepcopy(GOOD)
        self.objects = self.bundle["objects"]
        self.report, self.identity, self.tlp, self.definition, self.language = self.objects
        self.hub = self.report["extensions"][EXTENSION_ID]

    def bytes(self):
        return json.dumps(self.bundle, ensure_ascii=False).encode()


def add(made_object):
    return lambda it: it.objects.append(made_object)


def put(where, **members):
    return lambda it: getattr(it, where).update(members)


def drop(where, name):
    return lambda it: getattr(it, where).pop(name)


def loses(where):
    return lambda it: it.objects.remove(getattr(it, where))


INDICATOR = {"type": "indicator", "spec_version": "2.1", "id": "indicator--98d93d06-6e8d-4e59-958c-c785828da84a"}
UNKNOWN_MARK = "marking-definition--98d93d06-6e8d-4e59-958c-c785828da84a"

REFUSED = {
    "no report": (loses("report"), "structure"),
    "two reports": (
        lambda it: it.objects.append({**it.report, "id": INDICATOR["id"].replace("indicator", "report")}),
        "structure",
    ),
    "the report twice": (lambda it: it.objects.append(it.report), "structure"),
    "a broken second report": (add({"type": "report"}), "structure"),
    "a report with the id of another type": (put("report", id="indicator--1"), "structure"),
    "no extension": (drop("report", "extensions"), "structure"),
    "another spec version": (put("report", spec_version="2.0"), "structure"),
    "no marking": (drop("report", "object_marking_refs"), "structure"),
    "an empty marking list": (put("report", object_marking_refs=[]), "marking"),
    "two markings": (
        put("report", object_marking_refs=[marking.MARKING_IDS[Tlp.GREEN], marking.MARKING_IDS[Tlp.CLEAR]]),
        "marking",
    ),
    "a TLP 1 marking": (
        put("report", object_marking_refs=["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"]),
        "marking",
    ),
    "an unknown marking": (put("report", object_marking_refs=[UNKNOWN_MARK]), "marking"),
    "its marking is missing": (loses("tlp"), "marking"),
    "its marking says another level": (
        lambda it: it.tlp["extensions"][marking.TLP_EXTENSION_ID].update(tlp_2_0="clear"),
        "constant",
    ),
    "its marking has a member more": (put("tlp", created_by_ref="identity--1"), "constant"),
    "a second copy of the marking says another": (
        lambda it: it.objects.append({**it.tlp, "name": "TLP:CLEAR"}),
        "constant",
    ),
    "our definition is missing": (loses("definition"), "constant"),
    "our definition was changed": (put("definition", description="anything"), "constant"),
    "our definition under another type": (put("definition", type="extension"), "constant"),
    "granular markings": (put("report", granular_markings=[]), "marking"),
    "granular markings elsewhere": (
        put("language", granular_markings=[{"lang": "es", "selectors": ["contents"]}]),
        "marking",
    ),
    "granular markings in a broken object": (add({"granular_markings": []}), "marking"),
    "a stricter object": (put("language", object_marking_refs=[STRICTER]), "marking"),
    "a stricter unknown object": (add({**INDICATOR, "object_marking_refs": [STRICTER]}), "marking"),
    "a stricter broken object": (add({"type": 1, "object_marking_refs": [STRICTER]}), "marking"),
    "an object with a marking that nobody knows": (
        add({**INDICATOR, "object_marking_refs": [UNKNOWN_MARK]}),
        "marking",
    ),
    "an object with an unreadable marking": (add({**INDICATOR, "object_marking_refs": "red"}), "marking"),
    "TLP 1 red inside": (
        add({**INDICATOR, "object_marking_refs": ["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]}),
        "marking",
    ),
    "another report's id": (put("report", id=content.report_id(Mode.LIVE, "oh", made.PLAIN.seed)), "report-id"),
    "another seed": (put("hub", seed="00" * 16), "report-id"),
    "another mode": (put("hub", mode="exercise"), "report-id"),
    "another origin": (put("hub", origin="oh"), "report-id"),
    "no origin": (put("hub", origin="us-cisa"), "content"),
    "another creator": (put("report", created_by_ref=content.identity_id("oh")), "identity"),
    "revoked": (put("report", revoked=True), "structure"),
    "nothing referred to": (put("report", object_refs=[]), "structure"),
    "an exercise label on a live report": (lambda it: it.report["labels"].append("exercise"), "exercise"),
    "a time in another spelling": (put("report", published="2026-11-23T15:04:05Z"), "structure"),
    "a time that is none": (put("hub", expires="2026-02-30T15:04:05.000Z"), "structure"),
    "modified before created": (put("report", modified="2020-01-01T00:00:00.000Z"), "content"),
    "no salt": (drop("hub", "salt"), "structure"),
    "an upper-case salt": (put("hub", salt="AB" * 16), "structure"),
    "a salt with a line end": (put("hub", salt="ab" * 15 + "a\n"), "structure"),
    "another lane": (put("hub", lane="express"), "structure"),
    "a number for text": (put("report", name=7), "structure"),
    "an area that is none": (put("hub", areas=[{"state": "TX", "fips": "39001"}]), "content"),
    "an area with two codes": (put("hub", areas=[{"state": "TX", "fips": "48001", "ugc": "TXZ001"}]), "content"),
    "a commitment for all": (put("hub", audience_commitment="00" * 32), "content"),
    "no commitment for a group": (put("hub", audience="group"), "content"),
    "a product id in another spelling": (lambda it: it.hub["stamp"].update(product_id="TX-2026-00042"), "product"),
    "a product id of another": (lambda it: it.hub["stamp"].update(product_id="OH-2026-0042"), "product"),
    "a product id of the restricted series": (
        lambda it: it.hub["stamp"].update(product_id="TX-2026-R0042", version=1),
        "product",
    ),
    "version 0": (lambda it: it.hub["stamp"].update(version=0), "structure"),
    "a member that we must know": (put("hub", crit=["quorum"], quorum=3), "unsupported"),
    "a later format": (put("hub", format=2), "unsupported"),
    "a later format with other members": (lambda it: (it.hub.update(format=2), it.hub.pop("severity")), "unsupported"),
    "a later format by another": (lambda it: it.hub.update(format=2, seed="00" * 16), "report-id"),
    "a later topic": (put("hub", topic="asteroid"), "desk-only"),
    "a later side topic": (put("hub", also=["asteroid"]), "desk-only"),
    "a later phase": (put("hub", phase="aftermath"), "desk-only"),
    "a later caveat": (put("hub", caveats=["eyes-only"]), "desk-only"),
    "a later record class": (put("hub", record_class="diary"), "desk-only"),
    "a later topic and a broken lane": (put("hub", topic="asteroid", lane="x"), "structure"),
    "a later topic and a broken actions list": (put("hub", topic="asteroid", actions=3), "structure"),
    "a later topic by another": (put("hub", topic="asteroid", seed="00" * 16), "report-id"),
    "an unknown severity": (put("hub", severity="huge"), "structure"),
    "no bundle": (put("bundle", type="report"), "structure"),
    "a bundle without a right id": (put("bundle", id="bundle--1"), "structure"),
    "objects are no list": (put("bundle", objects={}), "structure"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(name):
    change, code = REFUSED[name]
    it = Changed()
    change(it)
    with pytest.raises(stix.StixError) as caught:
        stix.decode(it.bytes())
    assert caught.value.code == code, caught.value.message


LOST = {
    "a language that is no tag": put("language", contents={"es!": {"name": "x", "description": "y"}}),
    "a translation into its own language": put("language", contents={"EN": {"name": "x", "description": "y"}}),
    "a translation without a headline": put("language", contents={"es": {"name": " ", "description": "y"}}),
    "an object that is none": add("x"),
    "an object without a type": add({"id": "a--1"}),
    "an object whose id has another type": add({"type": "note", "id": "indicator--1"}),
    "a second object with an id": add(GOOD["objects"][4]),
    "another object under the report's id": lambda it: it.objects.insert(0, {"type": "note", "id": it.report["id"]}),
    "a broken identity": drop("identity", "name"),
    "no identity": loses("identity"),
    "a broken translation": put("language", contents={"es": {"name": "x"}}),
    "a language that came before": lambda it: it.objects.append(
        {**it.language, "id": "language-content--98d93d06-6e8d-4e59-958c-c785828da84a"}
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_a_broken_object_is_dropped_alone_and_told(name):
    it = Changed()
    LOST[name](it)
    bulletin, losses = stix.decode_with_losses(it.bytes())
    assert losses
    wanted = RELEASED.translations if it.language == GOOD["objects"][4] else ()
    assert bulletin == msgspec.structs.replace(RELEASED, translations=wanted)


LET_BY = {
    "an object of another kind": add(INDICATOR),
    "the same marking for it": add({**INDICATOR, "object_marking_refs": [marking.MARKING_IDS[Tlp.GREEN]]}),
    "a milder marking for it": add({**INDICATOR, "object_marking_refs": [marking.MARKING_IDS[Tlp.CLEAR]]}),
    "another TLP 2.0 marking": add(marking.MARKINGS[Tlp.RED]),
    "a member more in the extension": put("hub", quorum=3),
    "a member more in the report": put("report", x_note="hello"),
    "another extension": lambda it: it.report["extensions"].update({UNKNOWN_MARK: {"x": 1}}),
    "a known member in crit that is absent": put("hub", crit=[]),
    "other labels": put("report", labels=["weather"]),
    "no confidence number": drop("report", "confidence"),
    "other order": lambda it: it.objects.reverse(),
    "a translation of something else": add(
        {
            **GOOD["objects"][4],
            "id": "language-content--98d93d06-6e8d-4e59-958c-c785828da84a",
            "object_ref": "report--98d93d06-6e8d-4e59-958c-c785828da84a",
            "contents": {"vi": {"name": "x", "description": "y"}},
        }
    ),
}


@pytest.mark.parametrize("name", LET_BY)
def test_lets_by_what_does_no_harm(name):
    it = Changed()
    LET_BY[name](it)
    assert stix.decode_with_losses(it.bytes()) == (RELEASED, ())


@pytest.mark.parametrize("name", [name for name, (_, code) in REFUSED.items() if code in {"unsupported", "desk-only"}])
def test_an_item_that_is_not_understood_can_still_be_named(name):
    it = Changed()
    REFUSED[name][0](it)
    item = stix.item_of(it.bytes())
    assert (item.mode, item.origin, item.product_id, item.version) == (Mode.LIVE, "tx", "TX-2026-0042", 3)
    assert (item.tlp, item.report_id) == (Tlp.GREEN, GOOD["objects"][0]["id"])


def test_a_later_version_keeps_its_number_whatever_its_marking():
    moved = msgspec.structs.replace(RELEASED, stamp=Stamp("TX-2026-R0007", 2, made.MOMENT, ()))
    assert stix.decode(stix.encode(moved)) == moved
    assert stix.item_of(stix.encode(moved)).product_id == "TX-2026-R0007"


def test_an_item_that_is_not_understood_has_a_right_number_too():
    for change in ({"product_id": "OH-2026-0042"}, {"product_id": "TX-2026-R0042", "version": 1}):
        it = Changed()
        it.hub["stamp"].update(change)
        with pytest.raises(stix.StixError) as caught:
            stix.item_of(it.bytes())
        assert caught.value.code == "product"


def test_a_dressed_up_marking_is_not_believed():
    """The bundle says green by a marking of its own making; only the built-in ids count."""
    it = Changed()
    fake = {**it.tlp, "id": UNKNOWN_MARK}
    it.objects.append(fake)
    it.report["object_marking_refs"] = [UNKNOWN_MARK]
    with pytest.raises(stix.StixError, match="exactly one marking"):
        stix.decode(it.bytes())


EXERCISE = msgspec.structs.replace(made.PLAIN, mode=Mode.EXERCISE, headline="EXERCISE: Leak")


@pytest.mark.parametrize(
    "change",
    [
        lambda report: report.update(name="Leak"),
        lambda report: report.update(name="Exercise: Leak"),
        lambda report: report.update(labels=[]),
        lambda report: report.pop("labels"),
    ],
)
def test_an_exercise_says_so_twice(change):
    document = json.loads(stix.encode(EXERCISE))
    change(document["objects"][0])
    with pytest.raises(stix.StixError) as caught:
        stix.decode(json.dumps(document).encode())
    assert caught.value.code == "exercise"


def test_an_exercise_says_so_in_every_language():
    both = msgspec.structs.replace(EXERCISE, translations=(Translation("es", "EXERCISE: Fuga", "x"),))
    payload = stix.encode(both).replace(b"EXERCISE: Fuga", b"Fuga")
    bulletin, losses = stix.decode_with_losses(payload)
    assert bulletin == EXERCISE
    assert "every language" in losses[0]
    with pytest.raises(stix.StixError, match="every language"):
        stix.encode(msgspec.structs.replace(EXERCISE, translations=(Translation("es", "Fuga", "x"),)))


TOMBSTONE = {
    "hub": "tombstone",
    "format": 1,
    "mode": "live",
    "origin": "tx",
    "product_id": "TX-2026-0042",
    "report_id": "report--98d93d06-6e8d-4e59-958c-c785828da84a",
    "version": 3,
    "kind": "withdrawn",
    "reason": "error",
    "serial": 9,
    "salt": "ab" * 16,
    "issued": "2026-11-23T15:04:05.678Z",
}


BAD_TOMBSTONES = [
    ({"hub": "bulletin"}, "structure"),
    ({"format": 2}, "unsupported"),
    ({"mode": "exercise"}, "product"),
    ({"origin": "oh"}, "product"),
    ({"origin": "x-y"}, "content"),
    ({"product_id": "TX-2026-42"}, "product"),
    ({"report_id": "report--1"}, "report-id"),
    ({"version": 0}, "structure"),
    ({"serial": 2**53}, "structure"),
    ({"serial": 2**53 + 1}, "integer"),
    ({"serial": 1.0}, "float"),
    ({"kind": "revoked"}, "structure"),
    ({"reason": "because it was wrong"}, "structure"),
    ({"salt": "ab"}, "structure"),
    ({"issued": "2026-11-23T15:04:05.678+00:00"}, "structure"),
    ({"issued": "2026-13-23T15:04:05.678Z"}, "structure"),
    ({"replaced_by": "TX-2026-0042"}, "product"),
    ({"replaced_by": "OH-2026-0001"}, "product"),
    ({"replaced_by": "TX-EX-2026-0001"}, "product"),
    ({"Serial": 9}, "duplicate-key"),
]


@pytest.mark.parametrize(("members", "code"), BAD_TOMBSTONES)
def test_a_tombstone_that_does_not_fit_is_refused(members, code):
    with pytest.raises(stix.StixError) as caught:
        stix.decode_tombstone(json.dumps(TOMBSTONE | members).encode())
    assert caught.value.code == code


def test_a_tombstone_has_no_words_to_show():
    told = stix.decode_tombstone(json.dumps(TOMBSTONE | {"text": "secret"}).encode())
    assert b"secret" not in stix.encode_tombstone(told)
