"""What the steps of the check hand on to each other, and the few moves that several of them make."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from typing import Any

from hub.cli.demo import seed
from hub.cli.demo.network import Network
from hub.cli.demo.visitor import StepFailed, Visitor, until

FORMS = ("rss", "atom", "json")


@dataclasses.dataclass(slots=True)
class Scene:
    """The network, the way to look at it, the three states (`home` publishes) and the ids made so far."""

    network: Network
    visitor: Visitor
    home: str
    near: str
    far: str
    found: dict[str, str] = dataclasses.field(default_factory=dict)

    async def draft(self, headline: str, **changes: Any) -> str:
        """A draft at home from the first made-up bulletin with a headline of its own. Answers its id."""
        now = dt.datetime.now(dt.UTC)
        body = seed.bulletins(self.home, [self.near], now)[0] | {"headline": headline} | changes
        made = await self.visitor.must(self.home, "analyst", "POST", "/api/v1/bulletins", body)
        return str(made["id"])

    async def publish(self, headline: str, **changes: Any) -> str:
        """A bulletin written by the analyst and released by the supervisor. Answers its product id."""
        done = await self.visitor.release(self.home, await self.draft(headline, **changes))
        return str(done["product_id"])

    async def shows(self, state: str, form: str, *parts: str) -> bool:
        """Whether one title in a node's open feed holds all parts."""
        return any(all(part in title for part in parts) for title in await self.visitor.titles(state, form))

    async def until_shown(self, state: str, *parts: str, forms: tuple[str, ...] = FORMS) -> None:
        """Wait until the node shows a title with all parts in each form."""
        for form in forms:
            await until(f"{' '.join(parts)!r} in {state.upper()}'s {form}", self._looking(state, form, parts))

    def _looking(self, state: str, form: str, parts: tuple[str, ...]) -> Any:
        async def look() -> bool:
            return await self.shows(state, form, *parts)

        return look


def unlike(words: str) -> str:
    """A headline that nothing else on the node has."""
    return f"{words} {secrets.token_hex(4)}"


def require(condition: object, message: str) -> None:
    """Raise StepFailed with `message` unless the condition holds."""
    if not condition:
        raise StepFailed(message)
