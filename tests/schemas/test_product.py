"""Product ids have one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import product
from schemas.product import ProductId, Series
from schemas.vocabulary import Mode, Tlp
from tests.schemas import made

ids = st.builds(ProductId, made.origins, st.integers(1000, 9999), made.numbers, st.sampled_from(Series), st.booleans())


@given(ids)
def test_what_is_built_is_read_back(identity):
    assert product.parse(str(identity)) == identity


@given(st.from_regex(r"[A-Z]{2}(-[A-Z0-9]{1,13})?(-EX)?-[0-9]{4}-R?[0-9]{1,6}", fullmatch=True) | st.text(max_size=30))
def test_what_is_read_is_spelt_that_way(text):
    try:
        identity = product.parse(text)
    except ValueError:
        return
    assert str(identity) == text


GOOD = [
    ("TX-2026-0042", ProductId("tx", 2026, 42)),
    ("TX-2026-R0007", ProductId("tx", 2026, 7, Series.RESTRICTED)),
    ("TX-NTIC-2026-0007", ProductId("tx-ntic", 2026, 7)),
    ("TX-EX-2026-0001", ProductId("tx", 2026, 1, exercise=True)),
    ("TX-NTIC-EX-2026-R10001", ProductId("tx-ntic", 2026, 10_001, Series.RESTRICTED, exercise=True)),
    ("TX-2026-9999", ProductId("tx", 2026, 9999)),
    ("TX-2026-10000", ProductId("tx", 2026, 10_000)),
]


@pytest.mark.parametrize(("text", "identity"), GOOD)
def test_examples(text, identity):
    assert product.parse(text) == identity
    assert str(identity) == text


BAD = [
    "",
    "TX-2026-42",
    "TX-2026-042",
    "TX-2026-00042",
    "TX-2026-0000",
    "TX-2026-r0007",
    "TX-2026-R007",
    "TX-2026-RR0007",
    "tx-2026-0042",
    "Tx-2026-0042",
    "ZZ-2026-0042",
    "US-CISA-2026-0042",
    "TX-EX-EX-2026-0001",
    "TX-EX-NTIC-2026-0001",
    "TX-A-2026-0001",
    "TX-1A-2026-0001",
    "TX-26-0001",
    "TX-0026-0001",
    "TX-2026-0042 ",
    "TX-2026-0042\n",
    "TX-2026-٠٠٤٢",
    "TX-2026--0042",
    "TX-2026-0042-1",
    "TX-2026-" + "9" * 16,
]


@pytest.mark.parametrize("text", BAD)
def test_another_spelling_is_no_id(text):
    with pytest.raises(ValueError):
        product.parse(text)


@pytest.mark.parametrize(("year", "number"), [(999, 1), (10_000, 1), (2026, 0), (2026, -1), (2026, 10**15)])
def test_numbers_have_bounds(year, number):
    with pytest.raises(ValueError, match="number"):
        ProductId("tx", year, number)


def test_the_series_follows_the_marking():
    assert {tlp for tlp in Tlp if product.series_of(tlp) is Series.OPEN} == {Tlp.CLEAR, Tlp.GREEN}


def test_an_id_belongs_to_mode_origin_and_marking():
    product.check("TX-2026-R0001", mode=Mode.LIVE, origin="tx", tlp=Tlp.AMBER)
    product.check("TX-2026-R0001", mode=Mode.LIVE, origin="tx")
    for other in (
        {"mode": Mode.EXERCISE, "origin": "tx", "tlp": Tlp.AMBER},
        {"mode": Mode.LIVE, "origin": "tx-ntic", "tlp": Tlp.AMBER},
        {"mode": Mode.LIVE, "origin": "tx", "tlp": Tlp.GREEN},
    ):
        with pytest.raises(ValueError, match="not"):
            product.check("TX-2026-R0001", **other)
