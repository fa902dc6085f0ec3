from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.guard import Allow, CheckedResolver, Forbidden, check_address, check_url

NOTHING = Allow()


@pytest.mark.parametrize(
    "url",
    [
        "https://www.cisa.gov/feeds/kev.json",
        "http://api.weather.gov:80/alerts",
        "https://93.184.216.34/x",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://b\u00fccher.example/",
    ],
)
def test_public_addresses_pass(url: str) -> None:
    assert check_url(url, NOTHING).scheme in {"http", "https"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
        "0.0.0.0", "192.0.0.192", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",  # noqa: S104 - refused, not bound
        "168.63.129.16", "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[fec0::1]",
        "[2001:db8::1]", "[2001::1]", "[2002:7f00:1::]", "[3fff::1]", "[100::1]", "[64:ff9b:1::1]",
        "[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::a9fe:a9fe]",
        "[fe80::1%25eth0]", "127.0.0.1.", "127.1", "0177.0.0.1", "017700000001", "0x7f.0.0.1", "0x7f000001",
        "2130706433", "127.0.0.0x1", "1.2.3.4.5", "08.8.8.8", "\u2460\u2461\u2466.0.0.1", "127\u30020.0.1",
        "a.0x7f", "exa mple.com", "a%2eb", "-", "\x00",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused_however_it_is_spelt(host: str) -> None:
    with pytest.raises(Forbidden):
        check_url(f"http://{host}/", NOTHING)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://www.cisa.gov/", "file:///etc/passwd", "gopher://x/", "//www.cisa.gov/", "www.cisa.gov", "", "http://",
        "http:///x", "javascript:alert(1)", "http://user@www.cisa.gov/", "http://user:word@www.cisa.gov/",
        "http://:word@www.cisa.gov/", "http://www.cisa.gov:22/", "https://www.cisa.gov:8443/", "http://x:0/",
        "http://x:99999/", "http://a\\@b/", "http://[::1/",
    ],
)  # fmt: skip
def test_only_plain_web_addresses_on_their_ports(url: str) -> None:
    with pytest.raises(Forbidden):
        check_url(url, NOTHING)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with contextlib.suppress(Forbidden):
        assert check_url(text, NOTHING).scheme in {"http", "https"}


@given(st.ip_addresses())
def test_public_here_is_never_private_to_the_standard_library(address: ipaddress.IPv4Address) -> None:
    try:
        check_address(address, NOTHING)
    except Forbidden:
        return
    inside = address if address.version == 4 else ipaddress.ip_address(str(address))
    assert inside.is_global or address in ipaddress.ip_network("64:ff9b::/96")
    assert not inside.is_multicast


@pytest.mark.parametrize(
    ("entries", "url"),
    [
        (["127.0.0.0/8"], "http://127.0.0.1:8123/"),
        (["127.0.0.1"], "http://127.0.0.1:8123/"),
        (["127.0.0.0/8"], "http://[::ffff:127.0.0.1]:8123/"),
        (["::1"], "http://[::1]:8123/"),
        (["feeds.internal"], "https://Feeds.Internal.:8443/"),
        (["169.254.169.254"], "http://169.254.169.254/"),
    ],
)
def test_the_allow_list_opens_a_host_or_network_on_any_port(entries: list[str], url: str) -> None:
    check_url(url, Allow.of(entries))


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "not a host", "300.1.1.1", "0x7f", "http://x/", "", "*"])
def test_an_allow_list_that_cannot_be_read_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a host name nor a network"):
        Allow.of([entry])


def resolver(allow: Allow, *answers: str) -> CheckedResolver:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return answers

    return CheckedResolver(allow, lookup)


async def test_a_name_resolves_to_the_addresses_that_were_judged() -> None:
    found = await resolver(NOTHING, "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946").resolve("a.example", 443)
    assert [(each["host"], each["port"], each["family"]) for each in found] == [
        ("93.184.216.34", 443, socket.AF_INET),
        ("2606:2800:220:1:248:1893:25c8:1946", 443, socket.AF_INET6),
    ]


@pytest.mark.parametrize(
    "answers", [("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("::1",), ("::ffff:10.0.0.1",), ("fe80::1%eth0",), ()]
)
async def test_one_bad_address_refuses_the_name(answers: tuple[str, ...]) -> None:
    with pytest.raises(OSError):
        await resolver(NOTHING, *answers).resolve("a.example", 443)


async def test_a_named_host_may_be_private_but_never_where_credentials_lie() -> None:
    allow = Allow.of(["feeds.internal"])
    assert await resolver(allow, "10.1.2.3").resolve("feeds.internal.", 443)
    for address in ("169.254.169.254", "100.100.100.200", "fd00:ec2::254", "168.63.129.16"):
        with pytest.raises(Forbidden):
            await resolver(allow, address).resolve("feeds.internal", 443)
    with pytest.raises(Forbidden):
        await resolver(allow, "10.1.2.3").resolve("other.internal", 443)


async def test_the_systems_own_resolver_is_asked_when_none_is_given() -> None:
    found = await CheckedResolver(Allow.of(["localhost"])).resolve("localhost", 80)
    assert {each["host"] for each in found} <= {"127.0.0.1", "::1"}
