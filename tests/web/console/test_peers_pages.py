"""Peers at a browser: how the links stand in words, and what operators change."""

from __future__ import annotations

import html
import re

import pytest

from hub.desk import peers as desk
from hub.store import peers as store
from hub.store import quarantine
from hub.web.console.peers import fingerprint, sentences
from schemas.register import decode_entry, encode_entry
from tests.web.house import MONDAY, office, register_entry

ONE = "mark-of-this-form-01"
AGREED = {"ceiling": "green", "lanes": ["flash", "routine"], "every": "yes", "since": "2030-03-04", "until": ""}


def words(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def entry(place: str = "oh", **changes):
    made = {"name": "Ohio <Center>", "public_url": f"https://{place}.example"}
    return register_entry(office(place), **{**made, **changes})


@pytest.fixture
async def befriended(house):
    """The house with Ohio as a peer whose link has been silent for two hours."""
    links = {"oh": {"state": "connecting", "last_message": MONDAY, "behind": 7, "error": "connection refused"}}
    await house.server.close()
    await house.session.close()
    await house.open(links=lambda: links)
    house.database.write_sync(desk.accept_peer, house.office, house.people["operator"], house.clock.now, entry())
    house.clock.forward(hours=2)
    return house


async def peer(house, place: str = "oh"):
    return await house.database.read(store.peer, place)


# ------------------------------------------------------------------------------------------ how they stand
async def test_one_sentence_says_how_the_network_stands(befriended):
    page = await befriended.page("GET", "/desk/peers", "auditor")
    said = words(page)
    assert "Ohio has not answered; its last message came 2 h ago; 7 of its messages are not here yet." in said
    assert "connection refused" in said
    assert "Ohio <Center>" in said
    assert "Take a node as a peer" not in said


def row(state: str, **changes):
    return {"state": state, "state_name": "Ohio", "behind": 0, "error": None, "last": None, **changes}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], ["This node has no peers yet."]),
        ([row("revoked")], ["This node has no peers yet."]),
        ([row("connected")], ["The one peer is linked."]),
        ([row("connected"), row("connected")], ["All 2 peers are linked."]),
        ([row("off", error="no address")], ["Ohio is not asked for anything: no address."]),
        ([row("connecting")], ["Ohio does not answer."]),
        ([row("catching-up", behind=4)], ["Ohio is catching up: 4 of its messages are not here yet."]),
    ],
)
def test_the_sentence_on_top(rows, said):
    assert sentences(rows, MONDAY) == said


async def test_one_peer_with_its_keys_and_fingerprint(befriended):
    said = words(await befriended.page("GET", "/desk/peers/oh", "operator"))
    known = await peer(befriended)
    assert fingerprint(known.entry) in said
    assert known.entry.keys[0].public in said
    assert "May have of us nothing" in said
    assert (await befriended.page("GET", "/desk/peers/va", "operator")).status == 404


async def test_what_was_refused_is_told_without_what_it_said(befriended):
    copy = ("live.oh.bulletin.routine.all.green.violence", b"SECRET WORDS", "A" * 56, "x")
    for _ in range(2):
        await befriended.database.write(
            quarantine.keep, befriended.clock.now, "oh", copy, "signature", "It does not verify."
        )
    page = await befriended.page("GET", "/desk/peers/oh/quarantine", "auditor")
    assert "It does not verify. signature 2" in words(page)
    assert "SECRET" not in page.text
    assert (await befriended.page("GET", "/desk/peers/va/quarantine", "auditor")).status == 404


# ------------------------------------------------------------------------------------------ what operators change
async def test_an_entry_is_shown_before_it_is_taken(house):
    pasted = encode_entry(entry()).decode()
    shown = await house.page("POST", "/desk/peers/check", "operator", {"once": ONE, "entry": f"\r\n{pasted}\r\n"})
    assert shown.status == 200
    assert fingerprint(decode_entry(pasted.encode())) in words(shown)
    assert await peer(house) is None
    form = {"once": ONE, "entry": pasted, "fingerprint": fingerprint(decode_entry(pasted.encode()))}
    for _ in range(2):
        done = await house.page("POST", "/desk/peers", "operator", form)
        assert (done.status, done.headers["Location"]) == (303, "/desk/peers/oh?done=accepted")
    assert (await peer(house)).state == "active"
    assert "peers" in house.told


async def test_operators_see_their_own_fingerprint_to_read_it_to_others(house):
    page = await house.page("GET", "/desk/peers", "operator")
    assert fingerprint(register_entry(house.office)) in page.text


async def test_another_entry_than_the_one_that_was_shown_is_not_taken(house):
    form = {"once": ONE, "entry": encode_entry(entry()).decode(), "fingerprint": "0000"}
    assert (await house.page("POST", "/desk/peers", "operator", form)).status == 409
    assert await peer(house) is None


@pytest.mark.parametrize("pasted", ["", "{", "<script>", '{"place":"oh"}', "[" * 500])
async def test_what_is_no_entry_is_said_beside_the_form(house, pasted):
    answer = await house.page("POST", "/desk/peers/check", "operator", {"once": ONE, "entry": pasted})
    assert answer.status == 422
    assert 'href="#entry"' in answer.text
    assert "<script" not in answer.text


async def test_an_agreement_is_set_and_ended(befriended):
    set_ = await befriended.page("POST", "/desk/peers/oh/agreement", "operator", {"once": ONE, **AGREED})
    assert (set_.status, set_.headers["Location"]) == (303, "/desk/peers/oh?done=agreed")
    said = words(await befriended.page("GET", "/desk/peers/oh", "operator"))
    assert "up to TLP:GREEN; every topic; flash and routine; from 2030-03-04" in said
    unsure = await befriended.page("POST", "/desk/peers/oh/end", "operator", {"once": ONE})
    assert unsure.status == 422
    assert (await peer(befriended)).file is not None
    ended = await befriended.page("POST", "/desk/peers/oh/end", "operator", {"once": ONE + "2", "sure": "yes"})
    assert ended.status == 303
    assert (await peer(befriended)).file is None


async def test_setting_it_again_as_it_stands_changes_nothing(befriended):
    await befriended.page("POST", "/desk/peers/oh/agreement", "operator", {"once": ONE, **AGREED})
    before = (await peer(befriended)).file
    befriended.clock.forward(hours=1)
    await befriended.page("POST", "/desk/peers/oh/agreement", "operator", {"once": ONE + "2", **AGREED})
    assert (await peer(befriended)).file == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ceiling": "purple"}, "ceiling"),
        ({"lanes": []}, "lanes"),
        ({"lanes": ["fast"]}, "lanes"),
        ({"every": "", "topics": []}, "topics"),
        ({"every": "", "topics": ["gossip"]}, "topics"),
        ({"since": "soon"}, "since"),
        ({"until": "2030-03-04"}, "until"),
    ],
)
async def test_what_does_not_fit_is_said_beside_its_field(befriended, changes, field):
    answer = await befriended.page("POST", "/desk/peers/oh/agreement", "operator", {"once": ONE, **AGREED, **changes})
    assert answer.status == 422
    assert f'href="#{field}"' in answer.text
    assert (await peer(befriended)).file is None


async def test_red_never_travels(befriended):
    answer = await befriended.page(
        "POST", "/desk/peers/oh/agreement", "operator", {"once": ONE, **AGREED, "ceiling": "red"}
    )
    assert answer.status == 422
    assert (await peer(befriended)).file is None


async def test_a_peer_is_revoked_with_a_reason(befriended):
    assert (
        await befriended.page("POST", "/desk/peers/oh/revoke", "operator", {"once": ONE, "reason": ""})
    ).status == 422
    for _ in range(2):
        done = await befriended.page(
            "POST", "/desk/peers/oh/revoke", "operator", {"once": ONE, "reason": "Closed down."}
        )
        assert (done.status, done.headers["Location"]) == (303, "/desk/peers?done=revoked")
    assert (await peer(befriended)).state == "revoked"
    assert "○ revoked" in words(await befriended.page("GET", "/desk/peers", "operator"))


@pytest.mark.parametrize("path", ["", "/check", "/oh/agreement", "/oh/end", "/oh/revoke"])
async def test_only_operators_change_it(befriended, path):
    form = {"once": ONE, "reason": "x", "sure": "yes", "entry": "{}", **AGREED}
    for role, status in (("director", 403), ("auditor", 403), (None, 401)):
        assert (await befriended.page("POST", f"/desk/peers{path}", role, form)).status == status
    assert (await peer(befriended)).state == "active"
    shown = await befriended.page("GET", "/desk/peers/oh", "director")
    assert "Set this agreement" not in shown.text
