"""States with real servers, from a release at one to a readable bulletin at the other."""

from __future__ import annotations

from pathlib import Path

from schemas.vocabulary import Lane, Tlp
from tests.wire.states import network


async def test_mesh_of_two_a_release_arrives_readable(tmp_path: Path) -> None:
    async with network(tmp_path, "tx", "ok") as (tx, ok):
        for lane in Lane:
            release = await tx.release("Ice", lane=lane)
            here = await ok.has(release)
            assert (here.own, here.peer, here.hash.hex()) == (False, "tx", release.hash)
        back = await ok.release("Wind", tlp=Tlp.AMBER, audience=("tx",))
        assert (await tx.has(back)).tlp is Tlp.AMBER
