"""How often somebody may try."""

from __future__ import annotations

import datetime as dt

import pytest
from aiohttp.test_utils import make_mocked_request

from hub.web.patience import Patience, address_of
from hub.web.problem import Problem
from tests.web.house import MONDAY

SECOND = dt.timedelta(seconds=1)


def wait(patience: Patience, key: str, now: dt.datetime) -> int:
    """Seconds to wait before the next try; 0 when it was taken."""
    try:
        patience.take(key, now)
    except Problem as problem:
        return int(problem.headers["Retry-After"])
    return 0


def test_waits_grow_to_five_minutes_and_no_further():
    patience, now, waits = Patience(free=5), MONDAY, []
    assert [wait(patience, "ann", now) for _ in range(5)] == [0] * 5
    for _ in range(12):
        waits.append(wait(patience, "ann", now))
        assert wait(patience, "ann", now + (waits[-1] - 1) * SECOND) > 0
        now += waits[-1] * SECOND
        assert wait(patience, "ann", now) == 0
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]


def test_it_is_said_how_long():
    patience = Patience(free=0)
    patience.take("ann", MONDAY)
    with pytest.raises(Problem, match="Wait 4 seconds, then try again; nothing is locked for good") as caught:
        patience.take("ann", MONDAY)
    assert caught.value.kind == "too-many"


def test_what_waits_does_not_count():
    patience = Patience(free=1)
    patience.take("ann", MONDAY)
    assert [wait(patience, "ann", MONDAY) for _ in range(50)] == [2] * 50
    assert wait(patience, "ann", MONDAY + 2 * SECOND) == 0


def test_a_good_try_is_forgotten_or_given_back():
    patience = Patience(free=2)
    for _ in range(50):
        patience.take("ann", MONDAY)
        patience.give_back("ann")
        patience.take("bob", MONDAY)
        patience.forget("bob")
    assert wait(patience, "cat", MONDAY) == 0


def test_a_day_later_all_is_forgotten():
    patience = Patience(free=1)
    patience.take("ann", MONDAY)
    assert wait(patience, "ann", MONDAY) == 2
    later = MONDAY + dt.timedelta(hours=24)
    assert [wait(patience, "ann", later), wait(patience, "ann", later)] == [0, 2]


def test_it_holds_no_more_than_it_may():
    patience = Patience(free=1, most=10)
    for number in range(100):
        patience.take(str(number), MONDAY)
    assert len(patience._tries) == 10


@pytest.mark.parametrize(
    ("remote", "forwarded", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "made up", "unknown"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", None, "2001:db8:1:2::/64"),
    ],
)
def test_from_where_it_comes(remote, forwarded, address):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert address_of(make_mocked_request("POST", "/sign-in", headers=headers).clone(remote=remote)) == address
