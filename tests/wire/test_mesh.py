"""States with real servers, from a release at one to a readable bulletin at the other, and to nobody else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec

from hub.desk.peers import revoke_peer
from hub.store import outbox, revisions
from hub.store.outbox import pending
from schemas.vocabulary import Lane, Mode, Reason, Tlp, Topic
from tests.wire.servers import api, dialled
from tests.wire.states import State, found, network, until

CANARY = "Canary of the amber kind"


async def sent(state: State) -> bool:
    return (await state.database.read(outbox.waiting))[0] == 0


async def offered(state: State, peer: str, lane: Lane) -> list[str]:
    """The filters that the broker holds for a peer."""
    async with dialled(state.site, state.keys.hub) as own:
        config = (await api(own, f"CONSUMER.INFO.EXERCISE.peer-{peer}-{lane}"))["config"]
    return config.get("filter_subjects") or [config["filter_subject"]]


def bytes_of(state: State) -> bytes:
    files = [path for path in state.directory.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


async def test_mesh_of_two_a_release_arrives_readable_in_both_lanes_and_both_ways(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        for lane in Lane:
            release = await tx.release("Ice", lane=lane)
            here = await ok.has(release)
            assert (here.own, here.peer, here.hash.hex()) == (False, "tx", release.hash)
        back = await ok.release("Wind", tlp=Tlp.AMBER, audience=("tx",))
        assert (await tx.has(back)).tlp is Tlp.AMBER


async def test_mesh_of_three_amber_reaches_the_one_it_names(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "oh", "va") as (tx, oh, va):
        amber = await tx.release(CANARY, tlp=Tlp.AMBER, topic=Topic.VIOLENCE, audience=("oh",))
        green = await tx.release("For everybody")
        await oh.has(amber)
        await oh.has(green)
        await va.has(green)
        assert await va.current(amber.product_id) is None
        await va.stop()
        assert CANARY.encode() not in bytes_of(va)
        assert CANARY.encode() in bytes_of(oh)


async def test_mesh_an_update_and_a_withdrawal_reach_also_the_one_that_was_away(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "oh", "va") as (tx, oh, va):
        first = await tx.release("First words")
        await oh.has(first)
        await va.has(first)
        await va.stop()
        second = await tx.update(first.product_id, "Second words")
        assert (await oh.has(second)).version == 2
        await tx.withdraw(first.product_id)

        async def withdrawn(state: State) -> bool:
            return (await state.current(first.product_id)).stage == "withdrawn"

        await until(lambda: withdrawn(oh))
        await va.start()
        await va.linked()
        await until(lambda: withdrawn(va))
        assert (await va.current(first.product_id)).reason is Reason.ERROR
        async with dialled(tx.site, tx.keys.hub) as own:
            state = (await api(own, "STREAM.INFO.EXERCISE", {"subjects_filter": ">"}))["state"]
        assert list(state["subjects"]) == ["exercise.tx.recall.all"]  # the bulletins themselves have left the stream


async def test_mesh_trouble_with_one_peer_is_told_and_stops_no_other(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "oh", "va", start=False) as (tx, oh, va):
        moved = msgspec.structs.replace(va.entry(serial=2), tls_spki_sha256="0" * 64)
        await tx.accept(moved)
        for state in (oh, va, tx):
            await state.start()

        async def told() -> bool:
            link = tx.station.links().get("va", {})
            return "fingerprint" in (link.get("error") or "")

        await until(told)
        await tx.has(await oh.release("From Ohio"))
        link = tx.station.links()["va"]
        assert link["state"] == "connecting"
        assert "0" * 64 in link["error"]
        assert va.entry().tls_spki_sha256 in link["error"]
        assert not await tx.station.settled(0.05) or tx.station.links()["oh"]["state"] == "connected"
        await tx.accept(va.entry(serial=3))
        await tx.has(await va.release("From Virginia"))


async def test_mesh_a_peer_that_joins_a_running_node_is_let_in(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, _):
        late = found("nm", tmp_path / "nm")
        try:
            await late.accept(tx.entry())
            await late.agree("tx")
            await late.start()
            await tx.accept(late.entry())
            await tx.agree("nm")
            await late.has(await tx.release("Welcome"))
            await tx.has(await late.release("Thank you"))
        finally:
            await late.stop()
            late.database.close()


async def test_mesh_a_narrower_agreement_is_in_force_before_the_next_message(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        await tx.agree("ok", topics=(Topic.WEATHER,), ceiling=Tlp.GREEN)
        cyber = await tx.release("Phishing", topic=Topic.CYBER)
        weather = await tx.release("Snow")
        await ok.has(weather)
        assert await ok.current(cyber.product_id) is None
        topics = {each.rsplit(".", 1)[1] for each in await offered(tx, "ok", Lane.ROUTINE)}
        assert topics == {"weather"}


async def test_mesh_a_copy_is_asked_about_again_at_the_moment_of_sending(tmp_path: Path) -> None:
    """Released while the agreement stood, sent when it does not: it stays, with the reason."""
    async with network(tmp_path, "tx", "ok", start=False) as (tx, ok):
        await tx.agree("ok", until=tx.clock() + dt.timedelta(hours=1))
        release = await tx.release(CANARY, tlp=Tlp.AMBER, audience=("ok",))
        tx.clock.forward(dt.timedelta(hours=2))
        await tx.start()
        await until(lambda: sent(tx))
        assert await tx.database.read(pending) == []
        copies = await tx.database.read(outbox.copies, 1)
        assert [(copy[0], copy[4]) for copy in copies] == [("to-ok", "cancelled")]
        await ok.start()
        await ok.linked()
        assert await ok.current(release.product_id) is None
        assert await offered(tx, "ok", Lane.ROUTINE) == ["void.ok"]


async def test_mesh_an_agreement_that_ends_by_the_clock_ends_at_the_broker(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("hub.wire.sender._LOOK_AGAIN", 0.1)
    async with network(tmp_path, "tx", "ok") as (tx, _):
        await tx.agree("ok", until=tx.clock() + dt.timedelta(hours=1))

        async def void() -> bool:
            return await offered(tx, "ok", Lane.ROUTINE) == ["void.ok"]

        assert not await void()
        tx.clock.forward(dt.timedelta(hours=2))
        await until(void)
        assert "exercise.tx.recall.to-ok" in await offered(tx, "ok", Lane.FLASH)


async def test_mesh_a_revoked_peer_keeps_its_recalls_and_nothing_else(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        held = await tx.release("Held")
        await ok.has(held)
        await tx.database.write(revoke_peer, tx.office, tx.operator, tx.clock(), "ok", "The agreement ended.")
        after = await tx.release("Not for Oklahoma any more")

        async def erased() -> bool:
            here = await ok.current(held.product_id)
            return here is None or here.payload is None or here.stage != "released"

        await until(erased)
        await until(lambda: sent(tx))
        assert await ok.current(after.product_id) is None

        async def unlinked() -> bool:
            return "ok" not in tx.station.links()

        await until(unlinked)
        assert ok.station.links()["tx"]["state"] == "connected"


async def test_mesh_what_has_no_address_or_no_live_stream_is_not_dialled(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok", start=False) as (tx, ok):
        hidden = msgspec.structs.replace(ok.entry(serial=2), nats_url=None, tls_spki_sha256=None)
        await tx.accept(hidden)
        await tx.start()
        await tx.up()

        async def off() -> bool:
            return tx.station.links().get("ok", {}).get("state") == "off"

        await until(off)
        assert "no address" in tx.station.links()["ok"]["error"]
        assert await tx.station.settled(5)
        await ok.start()
        await ok.has(await tx.release("It still pulls"))


async def test_mesh_stop_and_start_lose_and_repeat_nothing(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        releases = []
        for number in range(9):
            releases.append(await tx.release(f"Number {number}"))
            if number % 3 == 2:
                await (tx, ok)[number % 2].stop()
                releases.append(await tx.release(f"Meanwhile {number}"))
                await (tx, ok)[number % 2].start()
        for release in releases:
            await ok.has(release)
        stored = await ok.database.read(revisions.after, 0, 100)
        assert sorted(each.product_id for each in stored) == sorted(each.product_id for each in releases)
        assert {each.mode for each in stored} == {Mode.EXERCISE}
