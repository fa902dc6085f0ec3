"""What a peer that may publish on its own server can hand over, and what becomes of the rest."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hub.desk import receive as desk
from hub.store import quarantine, revisions
from hub.wire import keys
from hub.wire.connection import Connection
from schemas.envelope import KEY, MSG_ID, SIGNATURE, encode_signature, payload_hash, signed_bytes
from schemas.vocabulary import Lane, Tlp
from tests.wire.servers import dialled
from tests.wire.states import State, network, until

ROUTINE = "exercise.tx.bulletin.routine.all.green.weather"


@dataclasses.dataclass
class Origin:
    """tx gone bad: it holds its own keys and its own server."""

    state: State
    link: Connection
    sent: int = 0

    async def put(self, subject: str, payload: bytes, *headers: tuple[str, str] | bytes) -> None:
        """Raw bytes into the own stream, as no client would send them."""
        self.sent += 1
        headers = ((MSG_ID, f"{self.sent}"), *headers)  # else the server itself takes the next one for the same
        lines = [each if isinstance(each, bytes) else f"{each[0]}: {each[1]}".encode() for each in headers]
        block = b"NATS/1.0\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
        sizes = f"{len(block)} {len(block) + len(payload)}"
        await self.link._send_command(f"HPUB {subject} {sizes}\r\n".encode() + block + payload + b"\r\n")
        await self.link.flush()

    def headers(self, subject: str, payload: bytes, key: keys.Key | None = None) -> list[tuple[str, str]]:
        by = key or self.state.keys.sign
        signature = encode_signature(by.sign(signed_bytes(subject, payload_hash(payload))))
        return [(KEY, by.public), (SIGNATURE, signature)]


async def kept(state: State) -> dict[str, int]:
    """How often what was refused; the same copy again is counted in its row."""
    return (await state.database.read(quarantine.counts)).get("tx", {})


async def test_hostile_arrivals_are_quarantined_one_by_one_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        first = await tx.release("The first")
        await ok.has(first)
        payload = (await tx.current(first.product_id)).payload
        async with dialled(tx.site, tx.keys.hub) as link:
            origin = Origin(tx, link)
            mine = origin.headers(ROUTINE, payload)
            other_key = keys.generate("A")
            wrong = encode_signature(bytes(64))
            expected = []

            async def attack(code: str, subject: str, body: bytes, *headers: tuple[str, str] | bytes) -> None:
                expected.append(code)
                await origin.put(subject, body, *headers)

            await attack("signature", ROUTINE, payload + b" ", *mine)  # tampered
            await attack("signature", ROUTINE.replace("green", "clear"), payload, *mine)  # relabelled
            await attack("signature", ROUTINE, payload, mine[0], (SIGNATURE, wrong))
            await attack("headers", ROUTINE, payload)
            await attack("headers", ROUTINE, payload, *mine, (KEY, other_key.public))  # twice
            await attack("headers", ROUTINE, payload, *mine, ("hub-sig", wrong))
            await attack("headers", ROUTINE, payload, *mine, ("X", "y" * 5000))
            await attack("headers", ROUTINE, payload, b"\xff\xfe\x00", *mine)
            await attack("key-not-listed", ROUTINE, payload, *origin.headers(ROUTINE, payload, other_key))
            await attack("key", ROUTINE, payload, (KEY, tx.keys.connect.public), mine[1])
            clear = ROUTINE.replace("green", "clear")
            await attack("tlp-mismatch", clear, payload, *origin.headers(clear, payload))
            garbage = b"\x00\xff{not json"
            await attack("", ROUTINE, garbage, *origin.headers(ROUTINE, garbage))
            deep = b'{"a":' * 4000 + b"1" + b"}" * 4000
            await attack("", ROUTINE, deep, *origin.headers(ROUTINE, deep))
            huge = b"{" + b" " * 250_000 + b"}"
            await attack("size", ROUTINE, huge, *origin.headers(ROUTINE, huge))
            await attack("", ROUTINE, b"", *origin.headers(ROUTINE, b""))
        last = await tx.release("The last")
        await ok.has(last)
        found = await kept(ok)
        assert sum(found.values()) == len(expected)
        for code in set(expected) - {""}:
            assert found.get(code) == expected.count(code), (code, found)
        assert len(await ok.database.read(revisions.after, 0, 100)) == 2
        assert ok.station.links()["tx"]["behind"] == 0


async def test_hostile_bytes_in_a_subject_do_not_end_the_reading(tmp_path: Path) -> None:
    """A subject that is no UTF-8 stays in the peer's stream for ever: it must not come back with each link."""
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        async with dialled(tx.site, tx.keys.hub) as link:
            before = b"HPUB exercise.tx.bulletin.routine.all.green.\xff\xfe 12 14\r\nNATS/1.0\r\n\r\n{}\r\n"
            await link._send_command(before)
            await link.flush()
        release = await tx.release("After it")
        await ok.has(release)
        assert await kept(ok) == {"headers": 1}
        assert ok.station.links()["tx"]["state"] == "connected"


async def test_hostile_flood_for_somebody_else_reaches_nobody(tmp_path: Path) -> None:
    """A copy for va, and one in another origin's name, put into tx's own stream."""
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        async with dialled(tx.site, tx.keys.hub) as link:
            origin = Origin(tx, link)
            for subject in (
                "exercise.tx.bulletin.routine.to-va.green.weather",
                "exercise.tx.bulletin.flash.all.red.weather",
            ):
                await origin.put(subject, b"{}", *origin.headers(subject, b"{}"))
        await ok.has(await tx.release("Ours", lane=Lane.FLASH, tlp=Tlp.GREEN))
        assert await kept(ok) == {}


async def test_an_arrival_that_breaks_the_desk_is_kept_alone(tmp_path: Path, monkeypatch) -> None:
    """Whatever a verb of ours trips over, the batch it came in is not lost and not repeated for ever."""
    whole = desk.receive

    def trips(tx, office, now, peer, arrivals):
        if any(b"Poison" in each.payload and each.fault is None for each in arrivals):
            raise RecursionError("deep down")
        return whole(tx, office, now, peer, arrivals)

    async with network(tmp_path, "tx", "ok", start=False) as (tx, ok):
        releases = [await tx.release(headline) for headline in ("One", "Poison", "Three")]
        monkeypatch.setattr(desk, "receive", trips)
        await tx.start()
        await ok.start()
        for good in (releases[0], releases[2]):
            await ok.has(good)
        assert await kept(ok) == {"broken": 1}
        await until(lambda: drained(ok))


async def drained(state: State) -> bool:
    return all(each["state"] == "connected" and not each["behind"] for each in state.station.links().values())
