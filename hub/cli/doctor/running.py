"""What the running node says of itself, of its peers and of its sources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hub.cli.doctor.asking import CARD, CLOSED, FEEDS, RESTORATION
from hub.cli.doctor.finding import Answer, Finding, Ground, bad, document, good, warn
from hub.errors import SettingsError
from hub.wire import keys

_SKEW = 60.0
_FAR = 600.0  # beyond this, keys and agreements begin and end at other times than the peers think


def node(ground: Ground) -> Iterator[Finding]:
    """The node answers at its own address, is this node, and takes writes."""
    if not ground.running:
        run = f"Start it: hub run --config {ground.config}"
        if ground.pid is None:
            yield warn("node", "the node does not run; what only a running node can say was not asked", run)
        else:
            yield bad("node", f"process {ground.pid} holds the node's lock but does not answer", "See its log.")
        return
    if not _is_own(ground, document(ground.answers[CARD])):
        yield bad("node", "another node answers at web.port", "End it, or choose another web.port.")
        return
    yield from _ready(ground)


def _ready(ground: Ground) -> Iterator[Finding]:
    ready = _json(ground.answers["/readyz"])
    if not isinstance(ready, dict) or "checks" not in ready:
        yield bad("node", "the node runs but does not say how it does", "See its log.")
        return
    down = [name for name, words in ready["checks"].items() if words != "ok"]
    if "database" in down:
        words = "the node writes nothing: a write to the disk failed, or the database cannot be read"
        yield bad("read-only", words, "See its log and the disk; then restart the node and run hub verify.")
    else:
        yield good("read-only", "the node reads and writes")
    for name in (name for name in down if name != "database"):
        yield bad("node", f"its part {name!r} is down; the desk goes on, nothing is exchanged", "See the node's log.")
    if not down:
        yield good("node", "the node runs, and every part is up")


def restoration(ground: Ground) -> Iterator[Finding]:
    """Whether the node came out of a backup and still waits."""
    said = ground.said(RESTORATION)
    if not isinstance(said, dict):
        return
    waits, fix = (
        ", ".join(said.get("waits", ())),
        "See docs/how-to/operator/backup-and-restore.md, and hub restore status.",
    )
    if said.get("held"):
        yield bad(
            "restored", f"the node is held after a restore: it releases and sends nothing; it waits for {waits}", fix
        )
    elif waits:
        yield warn("restored", f"restored; what these sent is hidden until they answer: {waits}", fix)
    else:
        yield good("restored", "the node waits for nothing after a restore")


def public_address(ground: Ground) -> Iterator[Finding]:
    """`public_url` leads to this node and to no other."""
    if not ground.running:
        return
    url, fix = ground.settings.base_url, "Look at public_url, the name server, the proxy and its certificate."
    if ground.public.status != 200:
        why = ground.public.error or f"it answers {ground.public.status}"
        yield bad("public-url", f"{url} does not lead here: {why}", fix)
    elif not _is_own(ground, document(ground.public)):
        yield bad("public-url", f"{url} leads to another node", fix)
    else:
        yield good("public-url", f"{url} leads to this node, and its card shows this node's keys")


def _is_own(ground: Ground, card: Any) -> bool:
    try:
        own = keys.load(ground.directory / "keys").sign.public
    except SettingsError:
        return False
    listed = card.get("keys", ()) if isinstance(card, dict) else ()
    return any(isinstance(key, dict) and key.get("public") == own for key in listed)


def links(ground: Ground) -> Iterator[Finding]:
    """Each peer's link as the running node knows it."""
    found = _closed(ground, CLOSED[0], "peers")
    if isinstance(found, Finding):
        yield found
        return
    active = [peer for peer in found if peer["state"] == "active"]
    for peer in active:
        yield _link(peer)
    if not active:
        yield good("peers", "no peers yet")


def _link(peer: Mapping[str, Any]) -> Finding:
    place, link = peer["place"].upper(), peer["link"]
    state, error = link.get("state", "unknown"), link.get("error")
    shared = "nothing is agreed yet" if peer["agreement"] is None else f"may have up to {peer['agreement']['ceiling']}"
    if state == "connected":
        return good("peers", f"{place}: connected, {link.get('behind') or 0} messages behind; {shared}")
    if state == "catching-up":
        words = f"{place}: catching up, {link.get('behind') or 0} messages behind; {shared}"
        return warn("peers", words, "Wait; look again.")
    fix = f"Ask {place}'s operator; compare addresses and fingerprints by phone before you change anything."
    return bad("peers", f"{place}: {state}: {error or 'no reason is known yet'}", fix)


def sources(ground: Ground) -> Iterator[Finding]:
    """Each federal source that is polled."""
    found = _closed(ground, CLOSED[1], "sources")
    if isinstance(found, Finding):
        yield found
        return
    for source in found:
        if source.get("enabled", True):
            yield _source(source)


def _source(source: Mapping[str, Any]) -> Finding:
    name, error, last = source.get("name", "?"), source.get("error"), source.get("last_good")
    fix = f"Try it: hub sources run {name}"
    if error:
        return warn("sources", f"{name}: {error} (last good answer: {last or 'never'})", fix)
    if last is None:
        return warn("sources", f"{name}: no answer yet", fix)
    return good("sources", f"{name}: last good answer {last}")


def _closed(ground: Ground, path: str, name: str) -> Finding | list[Any]:
    """The list at an address that only operators may ask; a Finding when it was not to be had."""
    fix = "Set HUB_TOKEN_FILE to a file with an operator's token."
    if not ground.running:
        return warn(name, "not asked: the node does not run", "Start the node.")
    if not ground.token:
        return warn(name, "not asked: no token was given", fix)
    listed = ground.said(path)
    if not isinstance(listed, dict):
        return warn(name, f"not told: the node answered {ground.answers[path].status}", fix)
    return list(listed[name])


def clock(ground: Ground) -> Iterator[Finding]:
    """This machine's clock against those of the peers; no outside time server is asked."""
    known = {place.upper(): peer.skew for place, peer in ground.peers.items() if peer.skew is not None}
    far = {place: skew for place, skew in known.items() if abs(skew) > _SKEW}
    fix = "Let both machines set their clocks by a time service (systemd-timesyncd, chrony)."
    for place, skew in far.items():
        words = f"this clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {place}'s"
        yield bad("clock", words, fix) if abs(skew) > _FAR else warn("clock", words, fix)
    if known and not far:
        yield good("clock", f"within a minute of {', '.join(sorted(known))}")
    if not known:
        yield good("clock", "no peer to compare with")


def feeds(ground: Ground) -> Iterator[Finding]:
    """What readers are served can be read."""
    if not ground.running:
        return
    for path in FEEDS:
        error = _unreadable(path, ground.answers[path])
        name = path.rpartition(".")[2]
        yield bad("feeds", f"{name}: {error}", "See the node's log.") if error else good("feeds", f"{name} reads well")
    for path, answer in ground.answers.items():
        if path.endswith(".stix.json"):
            yield _bundle(answer)


def _unreadable(path: str, answer: Answer) -> str | None:
    if answer.status != 200:
        return answer.error or f"the node answers {answer.status}"
    if path.endswith(".json"):
        feed = document(answer)
        good_feed = isinstance(feed, dict) and str(feed.get("version", "")).startswith("https://jsonfeed.org/version/1")
        return None if good_feed else "it is no JSON Feed"
    import feedparser  # noqa: PLC0415 - a fifth of a second, and only where a feed is judged

    parsed = feedparser.parse(answer.body)
    if parsed.bozo or not parsed.get("version"):
        return str(parsed.get("bozo_exception", "it is no feed"))
    return None


def _bundle(answer: Answer) -> Finding:
    from schemas import stix_judge  # noqa: PLC0415 - half a second, and only where a bundle is judged

    if answer.status != 200:
        return bad("feeds", f"stix: {answer.error or f'the node answers {answer.status}'}", "See the node's log.")
    try:
        stix_judge.parse(answer.body)
    except Exception as error:  # noqa: BLE001 - stix2 raises errors of many kinds; each is a finding
        return bad("feeds", f"stix: {str(error)[:200]}", "See the node's log.")
    return good("feeds", "stix: the newest bulletin's bundle reads well")


def _json(answer: Answer) -> Any:
    """A document whatever its status: /readyz says 503 with its reasons."""
    try:
        return json.loads(answer.body)
    except ValueError:
        return None
