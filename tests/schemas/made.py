"""Strategies for everything that travels: valid bulletins in every form, tombstones, ids, and one plain bulletin by hand."""

from __future__ import annotations

import datetime as dt

import msgspec
from hypothesis import strategies as st

from schemas.bulletin import (
    AdvisoryRef,
    Approval,
    Area,
    Attachment,
    Bulletin,
    RoleAction,
    Stamp,
    Tombstone,
    Translation,
)
from schemas.fitness import EXERCISE_PREFIX
from schemas.places import PLACES
from schemas.product import ProductId, Series, series_of
from schemas.vocabulary import (
    Audience,
    Caveat,
    Certainty,
    Confidence,
    Lane,
    Mode,
    Phase,
    Reason,
    RecordClass,
    Severity,
    Tlp,
    TombstoneKind,
    Topic,
    Urgency,
)

MOMENT = dt.datetime(2026, 11, 23, 15, 4, 5, 678_000, dt.UTC)

PLAIN = Bulletin(
    mode=Mode.LIVE,
    origin="tx",
    seed="00112233445566778899aabbccddeeff",
    salt="ffeeddccbbaa99887766554433221100",
    created=MOMENT,
    modified=MOMENT,
    published=MOMENT,
    headline="Water main break near two schools",
    text="Crews expect to finish by noon. Pick-up moves to the north gate.",
    topic=Topic.FACILITY,
    tlp=Tlp.GREEN,
    severity=Severity.MODERATE,
    urgency=Urgency.IMMEDIATE,
    certainty=Certainty.OBSERVED,
    expires=MOMENT + dt.timedelta(hours=6),
    actions=(RoleAction("principal", "Close the south entrance."),),
    areas=(Area("TX", "48453"),),
)

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
words = texts.filter(lambda text: bool(text.strip()))
sixteens = st.binary(min_size=16, max_size=16).map(bytes.hex)
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
moments = st.datetimes(
    dt.datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    dt.datetime(2090, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(dt.UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
desks = st.from_regex(r"[a-z][a-z0-9]{1,11}", fullmatch=True).filter(lambda desk: desk != "ex")
origins = st.one_of(
    st.sampled_from(sorted(PLACES)),
    st.builds("{}-{}".format, st.sampled_from(sorted(PLACES)), desks),
)
uuids = st.uuids(version=5).map(str)
fips_areas = st.builds(
    lambda place, county: Area(place.code.upper(), f"{place.fips}{county:03d}"),
    st.sampled_from(sorted(PLACES.values(), key=lambda place: place.code)),
    st.integers(0, 999),
)
ugc_areas = st.builds(
    lambda code, kind, number: Area(code.upper(), None, f"{code.upper()}{kind}{number:03d}"),
    st.sampled_from(sorted(PLACES)),
    st.sampled_from("CZ"),
    st.integers(0, 999),
)
areas = st.one_of(fips_areas, ugc_areas, st.just(Area(None, None, "GMZ335")))
counts = st.integers(1, 2**53 - 1)
numbers = st.one_of(st.integers(1, 20_000), st.integers(1, 10**15 - 1))
advisories = st.builds(
    AdvisoryRef,
    uuids,
    st.sampled_from(["cisa-kev", "nws"]),
    words,
    st.none() | st.just("https://example.org/advisory"),
    st.none() | hashes,
)
attachments = st.builds(
    Attachment, words, st.just("application/pdf"), st.integers(0, 2**53 - 1), hashes, st.sampled_from(Tlp)
)
passkeys = st.none() | st.just("AAECAwQFBgc")
approvals = st.builds(Approval, words, words, words, moments, hashes, passkeys, passkeys, passkeys, passkeys)


def tuples(values, limit=3):
    return st.lists(values, max_size=limit).map(tuple)


def sets(values, limit=3):
    return st.lists(values, max_size=limit, unique=True).map(tuple)


@st.composite
def stamps(draw, mode, origin, tlp):
    year = draw(st.integers(2020, 2099))
    version = draw(st.just(1) | counts)
    series = series_of(tlp) if version == 1 else draw(st.sampled_from(Series))
    product = ProductId(origin, year, draw(numbers), series, mode is Mode.EXERCISE)
    return Stamp(str(product), version, draw(moments), draw(tuples(approvals, 2)))


@st.composite
def headlines(draw, mode):
    return draw(words) if mode is Mode.LIVE else EXERCISE_PREFIX + draw(texts)


@st.composite
def bulletins(draw, *, released=None):
    mode, origin, tlp = draw(st.sampled_from(Mode)), draw(origins), draw(st.sampled_from(Tlp))
    audience = draw(st.sampled_from(Audience))
    created, modified = sorted((draw(moments), draw(moments)))
    lang, *others = draw(st.permutations(["en", "es", "vi", "zh-CN", "ar"]))
    stamped = draw(st.booleans()) if released is None else released
    return Bulletin(
        mode=mode,
        origin=origin,
        seed=draw(sixteens),
        salt=draw(sixteens),
        created=created,
        modified=modified,
        published=draw(moments),
        headline=draw(headlines(mode)),
        text=draw(texts),
        topic=draw(st.sampled_from(Topic)),
        tlp=tlp,
        severity=draw(st.sampled_from(Severity)),
        urgency=draw(st.sampled_from(Urgency)),
        certainty=draw(st.sampled_from(Certainty)),
        expires=draw(moments),
        actions=draw(tuples(st.builds(RoleAction, words, words))),
        areas=draw(sets(areas)),
        also=draw(sets(st.sampled_from(Topic))),
        phase=draw(st.sampled_from(Phase)),
        confidence=draw(st.sampled_from(Confidence)),
        basis=draw(texts),
        lane=draw(st.sampled_from(Lane)),
        audience=audience,
        audience_commitment=None if audience is Audience.ALL else draw(hashes),
        next_update_by=draw(st.none() | moments),
        caveats=draw(sets(st.sampled_from(Caveat))),
        record_class=draw(st.sampled_from(RecordClass)),
        advisory=draw(st.none() | advisories),
        attachments=draw(tuples(attachments, 2)),
        translations=tuple(
            Translation(tag, draw(headlines(mode)), draw(texts)) for tag in others[: draw(st.integers(0, 2))]
        ),
        lang=lang,
        minor=draw(st.booleans()),
        crit=draw(sets(st.sampled_from(["caveats", "record_class", "topic"]))),
        stamp=draw(stamps(mode, origin, tlp)) if stamped else None,
    )


@st.composite
def tombstones(draw):
    mode, origin = draw(st.sampled_from(Mode)), draw(origins)
    product = ProductId(origin, draw(st.integers(2020, 2099)), draw(numbers), exercise=mode is Mode.EXERCISE)
    other = msgspec.structs.replace(product, number=product.number % 1000 + 1_000_000)
    return Tombstone(
        mode=mode,
        origin=origin,
        product_id=str(product),
        report_id=f"report--{draw(st.uuids(version=4))}",
        version=draw(counts),
        kind=draw(st.sampled_from(TombstoneKind)),
        reason=draw(st.sampled_from(Reason)),
        serial=draw(counts),
        salt=draw(sixteens),
        issued=draw(moments),
        replaced_by=draw(st.none() | st.just(str(other))),
    )
