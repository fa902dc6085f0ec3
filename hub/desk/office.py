"""Where a verb is said: the node's mode and place, its policy, and how it signs. Nothing here is fetched by a verb."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from hub.rules.policy import Policy
from schemas.vocabulary import Mode

CLOCK = "clock"  # the actor of verbs that the node's clock runs


@dataclasses.dataclass(frozen=True, slots=True)
class Office:
    """One node's desk.

    `origins` are the names it speaks for, the first one for what is composed here; `key_id` is the public signing nkey, `sign`
    makes 64 bytes of Ed25519 over the bytes given, `entropy` gives that many random bytes.
    """

    mode: Mode
    place: str
    origins: tuple[str, ...]
    policy: Policy
    key_id: str
    sign: Callable[[bytes], bytes]
    entropy: Callable[[int], bytes]

    def token(self, prefix: str, size: int = 10) -> str:
        """A new opaque id."""
        return f"{prefix}-{self.entropy(size).hex()}"

    def salt(self) -> str:
        """16 random bytes in hex, new for each version and each control message (FORMAT "Message")."""
        return self.entropy(16).hex()
