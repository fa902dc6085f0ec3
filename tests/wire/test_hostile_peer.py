"""What a peer may do with its account on our server, tried by a peer that wants more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from hub.wire import keys
from hub.wire.bus import Bus, Durable
from hub.wire.certificate import WrongPin
from hub.wire.connection import Connection, Endpoint, NoLink, dial
from schemas.vocabulary import Mode
from tests.wire.servers import Site, api, dialled, serving, site

BULLETIN = "exercise.tx.bulletin.routine.all.green.weather"
TO_VA = "exercise.tx.bulletin.routine.to-va.amber.violence"


class Attack:
    """ok's link to tx's server, and the hub's own view of what came of it."""

    def __init__(self, tx: Site, own: Connection, ok: Connection, va: Connection, ok_key: keys.Key) -> None:
        self.tx, self.own, self.ok, self.va, self.ok_key = tx, own, ok, va, ok_key

    async def state(self) -> object:
        info = await api(self.own, "STREAM.INFO.EXERCISE", {"subjects_filter": ">", "deleted_details": True})
        assert "error" not in info, info
        listed = await api(self.own, "CONSUMER.LIST.EXERCISE")
        durables = [(each["name"], each["config"], each["num_pending"]) for each in listed["consumers"]]
        state = info["state"]
        return info["config"], state["messages"], state["last_seq"], state.get("subjects"), sorted(map(repr, durables))

    async def ask(
        self, subject: str, body: bytes = b"", reply: str = "_P.ok.answer", moment: float = 0.05
    ) -> list[Msg]:
        """Everything that comes back within a moment."""
        heard = await self.ok.subscribe("_P.ok.>")
        await self.ok.publish(subject, body, reply=reply)
        await self.ok.flush()
        await asyncio.sleep(moment)
        found = [await heard.next_msg() for _ in range(heard.pending_msgs)]
        await heard.unsubscribe()
        return [each for each in found if (each.headers or {}).get("Status") != "503"]


@pytest.fixture
async def attack(tmp_path: Path) -> AsyncIterator[Attack]:
    ok, va = keys.generate("U"), keys.generate("U")
    tx = site(tmp_path / "tx").with_peers(ok=ok.public, va=va.public)
    async with serving(tx), dialled(tx, tx.keys.hub) as own:
        bus = Bus(own)
        await bus.stream(Mode.EXERCISE, ("tx",), 1 << 22)
        await bus.agree(
            Durable(
                "EXERCISE",
                f"peer-{place}-{lane}",
                (*filters, f"exercise.tx.bulletin.{lane}.to-{place}.*.*"),
                place,
                "1",
            )
            for place in ("ok", "va")
            for lane, filters in (("flash", ("exercise.tx.recall.all",)), ("routine", (BULLETIN,)))
        )
        await bus.publish([(subject, b"{}", {"Nats-Msg-Id": str(n)}) for n, subject in enumerate([BULLETIN, TO_VA])])
        async with dialled(tx, ok, "_P.ok") as first, dialled(tx, va, "_P.va") as second:
            yield Attack(tx, own, first, second, ok)


async def test_what_it_may_do_works(attack: Attack) -> None:
    (info,) = await attack.ask("HUB.API.CONSUMER.INFO.EXERCISE.peer-ok-routine", moment=1)
    assert json.loads(info.data)["num_pending"] == 1
    call = "HUB.API.CONSUMER.MSG.NEXT.EXERCISE.peer-ok-routine"
    got, *_ = await attack.ask(call, b'{"batch":9,"no_wait":true}', moment=1)
    assert got.subject == BULLETIN
    await got.ack_sync(5)
    assert (await api(attack.own, "CONSUMER.INFO.EXERCISE.peer-ok-routine"))["ack_floor"]["stream_seq"] == 1


LISTEN = [">", "*", "exercise.>", BULLETIN, TO_VA, "_P.>", "_P.va.>", "_INBOX.>", "$JS.>", "$JS.ACK.>", "$SYS.>", "_R_.>",
          "$JS.EVENT.ADVISORY.>", "HUB.API.>"]  # fmt: skip


async def test_hostile_listening_hears_nothing(attack: Attack) -> None:
    heard = {subject: await attack.ok.subscribe(subject) for subject in LISTEN}
    await attack.ok.flush()
    await Bus(attack.own).publish([(TO_VA, b"secret", {"Nats-Msg-Id": "9"})])
    await attack.va.publish("HUB.API.CONSUMER.MSG.NEXT.EXERCISE.peer-va-routine", b'{"batch":9}', reply="_P.va.x")
    await attack.va.flush()
    await asyncio.sleep(0.1)
    assert [subject for subject, each in heard.items() if each.pending_msgs] == []
    assert attack.tx.log.count("Subscription Violation") == len(LISTEN)


PUBLISH = [BULLETIN, "exercise.tx.recall.all", "exercise.ok.recall.all", "live.tx.recall.all", "_P.va.x", "_INBOX.x",
           "$JS.ACK.EXERCISE.peer-va-routine.1.2.1.1.0", "$SYS.REQ.SERVER.PING"]  # fmt: skip


async def test_hostile_publishing_reaches_nobody(attack: Attack) -> None:
    before = await attack.state()
    everything = await attack.own.subscribe(">")
    await attack.own.flush()
    answered = [await attack.ask(subject, b"forged") for subject in PUBLISH]
    heard = [(await everything.next_msg()).data for _ in range(everything.pending_msgs)]
    assert answered == [[]] * len(PUBLISH)
    assert b"forged" not in heard
    assert attack.tx.log.count("Publish Violation") == len(PUBLISH)
    await everything.unsubscribe()
    assert await attack.state() == before


WIDE = b'{"stream_name":"EXERCISE","config":{"durable_name":"%s","filter_subject":">","ack_policy":"explicit"}}'
CALLS = {
    "INFO": b"",
    "STREAM.LIST": b"",
    "STREAM.NAMES": b"",
    "STREAM.INFO.EXERCISE": b"",
    "STREAM.DELETE.EXERCISE": b"",
    "STREAM.PURGE.EXERCISE": b"",
    "STREAM.CREATE.MINE": b'{"name":"MINE","subjects":["mine.>"]}',
    "STREAM.UPDATE.EXERCISE": b'{"name":"EXERCISE","subjects":["exercise.ok.>"]}',
    "STREAM.MSG.GET.EXERCISE": b'{"seq":2}',
    "STREAM.MSG.DELETE.EXERCISE": b'{"seq":1}',
    "DIRECT.GET.EXERCISE": b'{"seq":2}',
    "CONSUMER.LIST.EXERCISE": b"",
    "CONSUMER.CREATE.EXERCISE": b'{"stream_name":"EXERCISE","config":{"ack_policy":"none"}}',
    "CONSUMER.CREATE.EXERCISE.wide": WIDE % b"wide",
    "CONSUMER.DURABLE.CREATE.EXERCISE.peer-ok-routine": WIDE % b"peer-ok-routine",
    "CONSUMER.DELETE.EXERCISE.peer-ok-routine": b"",
    "CONSUMER.DELETE.EXERCISE.peer-va-routine": b"",
    "CONSUMER.INFO.EXERCISE.peer-va-routine": b"",
    "CONSUMER.MSG.NEXT.EXERCISE.peer-va-routine": b'{"batch":9}',
    "CONSUMER.RESET.EXERCISE.peer-ok-routine": b"",
    "CONSUMER.PAUSE.EXERCISE.peer-ok-routine": b'{"pause_until":"2999-01-01T00:00:00Z"}',
}


@pytest.mark.parametrize("prefix", ["$JS.API", "HUB.API"])
async def test_hostile_calls_have_no_answer_and_no_effect(attack: Attack, prefix: str) -> None:
    before = await attack.state()
    for call, body in CALLS.items():
        assert await attack.ask(f"{prefix}.{call}", body) == [], call
        assert await attack.state() == before, call


FOREIGN = [BULLETIN, "exercise.tx.recall.all", "_P.va.stolen", "_INBOX.x", "$JS.API.STREAM.PURGE.EXERCISE",
           "$JS.API.STREAM.DELETE.EXERCISE", "$JS.API.CONSUMER.DELETE.EXERCISE.peer-va-routine"]  # fmt: skip


async def test_hostile_reply_subject_writes_nothing(attack: Attack) -> None:
    """In one account with the stream, one such request wrote 100,000 messages into it."""
    everything, stolen = await attack.own.subscribe("exercise.>"), await attack.va.subscribe("_P.va.>")
    await asyncio.gather(attack.own.flush(), attack.va.flush())
    before = (await attack.state())[:4]
    for reply in FOREIGN:
        call = "HUB.API.CONSUMER.MSG.NEXT.EXERCISE.peer-ok-routine"
        await attack.ask(call, b'{"batch":100000,"expires":100000000}', reply)
        await attack.ask("$JS.ACK.EXERCISE.peer-ok-routine.1.1.1.1.0", b'+NXT {"batch":1000}', reply)
        await attack.ask("$JS.ACK.EXERCISE.peer-ok-routine.1.1.1.1.0", b"", reply)
        assert (await attack.state())[:4] == before, reply
        assert (everything.pending_msgs, stolen.pending_msgs) == (0, 0), reply


async def test_hostile_size_ends_the_link(attack: Attack) -> None:
    await attack.ok.publish("$JS.ACK.EXERCISE.peer-ok-routine.1.1.1.1.0", bytes(5000))
    await asyncio.wait_for(attack.ok.lost.wait(), 5)


async def test_hostile_number_of_links_is_bounded(attack: Attack) -> None:
    """Eight in all; the fixture holds one of them."""
    endpoint = Endpoint(attack.tx.url, attack.tx.pin, attack.ok_key, "_P.ok", "more")
    links = [await dial(endpoint) for _ in range(7)]
    with pytest.raises(NoLink, match="maximum account active connections exceeded"):
        await dial(endpoint)
    for link in links:
        await link.close()


async def test_a_place_without_a_key_is_not_let_in(attack: Attack) -> None:
    for key in (keys.generate("U"), attack.tx.keys.connect):
        with pytest.raises(NoLink, match="Authorization Violation"):
            async with dialled(attack.tx, key, "_P.oh"):
                pass


async def test_another_pin_is_not_dialled(attack: Attack) -> None:
    tx = attack.tx
    wrong = Site(tx.place, tx.directory, tx.keys, "0" * 64, tx.config)
    with pytest.raises(WrongPin, match=tx.pin) as refused:
        async with dialled(wrong, attack.ok_key, "_P.ok"):
            pass
    assert wrong.pin in refused.value.message
