"""Canaries: what may not leave is planted, every route is asked as everybody, every byte of every answer is searched."""

from __future__ import annotations

import base64
import itertools
import re

import pytest

from hub.rules.authority import Role, Verb, rights
from hub.web.app import ROUTES

# planted how -> (changes, released?, who may see it besides the desk)
PLANTS = {
    "draft": ({"tlp": "clear"}, False, set()),
    "red": ({"tlp": "red"}, False, set()),
    "strict": ({"tlp": "amber+strict"}, True, set()),
    "amber": ({"tlp": "amber"}, True, {"amber"}),
    "green": ({"tlp": "green"}, True, {"amber", "green"}),
    "named": ({"tlp": "clear", "audience": ["oh"]}, True, set()),
    "sar": ({"tlp": "clear", "record_class": "sar"}, True, set()),
    "les": ({"tlp": "clear", "caveats": ["les"]}, True, set()),
    "clear": ({"tlp": "clear"}, True, {"amber", "green", "public"}),
}
DESK = [role.value for role in Role if Verb.READ_DESK in rights([role])]
NO_DESK = [role.value for role in Role if Verb.READ_DESK not in rights([role])]


def word(name: str) -> str:
    return f"Canary-{name}-9f3c71d2"


def shapes(text: str) -> list[bytes]:
    """The word as it may hide: plain, hex, and base64 at each of the three offsets."""
    raw = text.encode()
    found = [raw, raw.hex().encode()]
    for pad in range(3):
        coded = base64.b64encode(b"\0" * pad + raw)
        found.append(coded[4 if pad else 0 : -4])
    return found


@pytest.fixture
async def planted(house):
    """{name: the words, ids and numbers by which a plant would be known}."""
    marks = {}
    for name, (changes, released, _) in PLANTS.items():
        draft = await house.draft(headline=word(name), text=word(name), basis=word(name), **changes)
        marks[name] = [*shapes(word(name)), draft["id"].encode()]
        if released:
            product = (await house.release(draft))["product_id"]
            report = (await house.get(f"/api/v1/bulletins/{product}", "director")).json()["id"]
            marks[name] += [product.encode(), report.removeprefix("report--").encode()]
    gone = await house.publish(headline="Taken back", text=word("gone"))
    await house.withdraw(gone)
    marks["gone"] = shapes(word("gone"))
    return marks


async def feeds(house) -> dict[str, str]:
    tokens = {}
    for ceiling in ("clear", "green", "amber"):
        body = {"place": "tx", "ceiling": ceiling, "label": ceiling}
        tokens[ceiling] = (await house.post("/api/v1/feed-tokens", "operator", body)).json()["token"]
    return tokens


def addresses(marks, tokens) -> list[str]:
    """Every GET route with everything that could stand in it."""
    numbers = [mark.decode() for found in marks.values() for mark in found if re.fullmatch(rb"TX-.*|d-.*", mark)]
    words = {
        "id": numbers, "product_id": numbers, "form": ["rss", "atom", "json"], "token": [*tokens.values(), "x"],
        "fold": ["cisa-kev:backlog"], "code": ["invalid"], "name": ["hub.css"], "place": ["oh"], "hash": ["x"],
    }  # fmt: skip
    found = []
    for route in ROUTES:
        if route.method == "GET":
            names = re.findall(r"\{(\w+)\}", route.path)
            for values in itertools.product(*(words[name] for name in names)):
                path = route.path
                for name, value in zip(names, values, strict=True):
                    path = path.replace(f"{{{name}}}", value)
                found.append(path)
    return found


async def leaks(house, marks, paths, role, allowed) -> list[tuple[str, str]]:
    found = []
    for path, query in itertools.product(paths, ("", "?limit=500")):
        answer = await house.get(path + query, role)
        # What was asked for by name may stand in a refusal; the rest of the answer is searched.
        said = answer.body + b"".join(f"{k}: {v}\n".encode() for k, v in answer.headers.items())
        asked = path.encode()
        for name, shape in marks.items():
            if name in allowed:
                continue
            found += [(path + query, name) for mark in shape if mark in said and mark not in asked]
    return found


async def test_the_public_and_whoever_lacks_the_desk_see_what_is_public_and_nothing_else(house, planted):
    tokens = await feeds(house)
    private = {f"/feeds/t/{token}/" for token in tokens.values()}
    paths = [path for path in addresses(planted, tokens) if not any(each in path for each in private)]
    assert len(paths) > 60
    for role in (None, *NO_DESK):
        assert await leaks(house, planted, paths, role, {"clear"}) == [], role


async def test_a_district_sees_what_its_ceiling_allows(house, planted):
    tokens = await feeds(house)
    for ceiling, token in tokens.items():
        paths = [f"/feeds/t/{token}/bulletins.{form}" for form in ("rss", "atom", "json")]
        wide = {"clear": "public", "green": "green", "amber": "amber"}[ceiling]
        allowed = {name for name, (_, _, who) in PLANTS.items() if wide in who}
        assert await leaks(house, planted, paths, None, allowed) == []
        for name in allowed:
            body = (await house.get(paths[2])).body
            assert word(name).encode() in body, (ceiling, name)


async def test_the_desk_sees_it_and_the_words_are_where_they_may_be(house, planted):
    for role in DESK:
        listed = (await house.get("/api/v1/bulletins?limit=500", role)).body
        for name in PLANTS:
            assert word(name).encode() in listed, (role, name)


async def test_red_is_never_released(house, planted):
    draft = await house.draft(tlp="red")
    await house.act(draft["id"], "submit", "analyst", 1)
    answer = await house.post(f"/api/v1/bulletins/{draft['id']}/approve", "director", {"version": 2})
    assert answer.status == 403


async def test_the_search_would_find_a_leak(house, planted):
    assert await leaks(house, planted, ["/feeds/bulletins.json"], None, set()) != []
    assert shapes("abc")[1] == b"616263"
    assert base64.b64encode(b"x" + word("red").encode() + b"yz").find(shapes(word("red"))[3]) > 0
