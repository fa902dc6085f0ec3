"""The node's own words: hub.toml, the environment, policy.toml, whether it is real."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping

from hub.cli.doctor.finding import Finding, Ground, bad, good, warn
from hub.rules import policy as policies
from hub.rules.policy import ApprovalRule, Policy
from hub.settings import Settings
from schemas.vocabulary import Mode, Severity

_OTHERS = {
    "HUB_TOKEN", "HUB_TOKEN_FILE", "HUB_PASSWORD_FILE", "HUB_URL", "HUB_NATS_SERVER",
    "HUB_RECORDINGS", "HUB_STANDARDS",  # of the tests
}  # fmt: skip
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def environment(variables: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Each HUB_ variable is one that is read; the settings themselves refuse only what stands in hub.toml. Values are not shown."""
    known = {f"HUB_{name}".upper() for name in Settings.model_fields} | _OTHERS
    names = [name for name in sorted(variables) if name.upper().startswith("HUB_")]
    unknown = [name for name in names if name.upper().partition("__")[0] not in known]
    for name in unknown:
        close = difflib.get_close_matches(name, sorted(known), n=1)
        fix = f"Did you mean {close[0]}?" if close else "Take it out, or see docs/reference/settings.md."
        yield warn("environment", f"{name} is set, and nothing reads it", fix)
    if not unknown:
        yield good("environment", f"{len(names)} HUB_ variables, each of them read" if names else "no HUB_ variables")


def addresses(ground: Ground) -> Iterator[Finding]:
    """What readers and peers are told can be right."""
    settings, wrong = ground.settings, False
    for finding in _addresses(settings):
        wrong = True
        yield finding
    if not wrong:
        yield good("settings", f"{ground.config} reads well; the node is {settings.base_url}")


def _addresses(settings: Settings) -> Iterator[Finding]:
    live = settings.mode is Mode.LIVE
    if live and not settings.base_url.startswith("https://"):
        yield warn(
            "settings", f"public_url is {settings.base_url}, so readers come without TLS",
            "Put a TLS proxy in front and set public_url to its https address (docs/how-to/operator/behind-a-proxy.md).",
        )  # fmt: skip
    if settings.web.host not in _LOOPBACK:
        yield warn(
            "settings", f"web.host is {settings.web.host}: the pages are open to the network without TLS",
            'Set host = "127.0.0.1" under [web] and let a TLS proxy on this machine pass requests on.',
        )  # fmt: skip
    if live and not settings.contact:
        yield warn("settings", "contact is empty", "Set contact to an address where flaws may be reported.")
    if live and settings.nats.address is None and settings.nats.host in _LOOPBACK:
        yield warn(
            "settings", "peers are told to dial this machine's own loopback address",
            "Set nats.host to an address that peers reach, and nats.address to tls://NAME:PORT; then exchange entries again.",
        )  # fmt: skip


def mode(ground: Ground) -> Iterator[Finding]:
    """Nobody should have to guess whether this is a drill."""
    if ground.settings.mode is Mode.EXERCISE:
        yield good("mode", "EXERCISE: nothing that this node says is real, and it has no live stream")
    else:
        yield good("mode", "LIVE: what this node publishes is real")


def policy(ground: Ground) -> Iterator[Finding]:
    """policy.toml can be read, and what it asks for, in words."""
    path = ground.directory / "policy.toml"
    try:
        read = policies.parse(path.read_bytes()) if path.exists() else policies.DEFAULT
    except (OSError, ValueError) as error:
        yield bad("policy", f"{path}: {error}", "Put the line right; the node does not start with it.")
        return
    where = read.name if path.exists() else "no policy.toml, so the house's own rules alone"
    yield good("policy", f"{where}: {'; '.join(_policy(read))}")


def _policy(read: Policy) -> Iterator[str]:
    yield "one approval by a second person, a flash by the director"
    yield from map(_rule, read.approvals)
    yield f"an account counts as a second person {read.second_person_hours} h after its author made it"
    named = "" if read.named_to_districts else ", none that is addressed to named states"
    yield f"private feeds carry up to TLP:{read.district_ceiling.value.upper()}{named}"


def _rule(rule: ApprovalRule) -> str:
    sets = (sorted(rule.tlp), sorted(rule.topic), sorted(rule.lane))
    fits = [" or ".join(str(each) for each in chosen) for chosen in sets if chosen]
    if rule.severity is not Severity.UNKNOWN:
        fits.append(f"{rule.severity} or more severe")
    return f"{rule.count} by a {rule.by} for {', '.join(fits) or 'everything'}"
