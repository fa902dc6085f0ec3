"""One connection to a nats-server, ours or a peer's: pinned, logged in with one key, bounded, and told apart when it ends.

It is nats-py's client with four things put right for a server that may be hostile. The header block is kept as it came: a
mapping has lost a header that stands twice. Bytes that are no message are one bad item, not the end of the reading task.
What is gathered for one message is bounded. And it does not reconnect by itself: whoever dialled looks at the pin again
each time, and learns of the end at once by `lost`. These are private names of nats-py 2.16; tests/wire hold them.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import logging
import urllib.parse
from collections.abc import Sequence
from typing import Any, Final

import structlog
from nats.aio.client import Client
from nats.errors import Error, ProtocolError
from nats.protocol.parser import Parser

from hub.errors import HubError
from hub.wire.certificate import pinned
from hub.wire.keys import Key

_WITHIN: Final = 10.0
_FAREWELL: Final = 1.0
_WRITTEN: Final = b"NATS/1.0\r\n"  # the block has no status: somebody's headers, not the server's
_GATHERED: Final = 1 << 20  # a message has at most 262,144 bytes, an answer of the JetStream API some hundred thousand
log = structlog.get_logger(__name__)
# asyncio and uvloop say this at the end of every TLS stream of nats-py; it means nothing.
logging.getLogger("asyncio").addFilter(lambda record: "eof_received() has no effect" not in record.getMessage())


class NoLink(HubError):
    """A server could not be reached or did not let us in; says which and why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to dial and as whom: `url` tls://host:port, `pin` 64 hex digits, `inbox` the first tokens of all replies."""

    url: str
    pin: str
    key: Key
    inbox: str
    name: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; NoLink when the address is none that we dial."""
        try:
            parts = urllib.parse.urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = parts = None
        if parts is None or parts.scheme not in {"tls", "nats"} or not host:
            raise NoLink(f"{self.url!r} is no address of a NATS server; write tls://host:port", code="address")
        return host, port or 4222


class Headers(dict[str, str]):
    """A message's header block as it came, in `raw`.

    The mapping holds what the server says of itself (`Status`) and nothing of what others wrote: whoever takes a message
    reads the bytes.
    """

    raw: bytes = b""


class Connection(Client):
    """A connection that ends once: `lost` is set as soon as it does, `trouble` holds the last error in words."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.lost = asyncio.Event()
        self.trouble = ""
        self._key = key
        self._public_nkey = key.public
        self._ps = _BoundedParser(self)

    def answer(self, nonce: str) -> bytes:
        """The login: a signature over the server's nonce, base64 (NATS client protocol, CONNECT `sig`)."""
        try:
            return base64.b64encode(self._key.sign(nonce.encode()))
        except ValueError as error:
            raise Error(f"the server asks for a signature over something that is no nonce: {error}") from None

    async def acknowledge(self, replies: Sequence[str]) -> None:
        """Publish an empty message on each of these reply subjects, in one go."""
        await self._send_command(b"".join(b"PUB %b 0\r\n\r\n" % reply.encode() for reply in replies))
        await self._flush_pending()

    async def ended(self) -> None:
        """Waits for the end of the connection, and raises NoLink then."""
        await self.lost.wait()
        raise NoLink(f"The link was lost: {self.trouble or 'the server went away'}", code="lost")

    async def close(self) -> None:
        """End it: what was said is sent first, but a server that takes nothing any more is not waited for."""
        try:
            async with asyncio.timeout(_FAREWELL):
                await super().close()
        except TimeoutError:
            log.debug("a server took no goodbye", link=self.options.get("name"))
        finally:
            if (writer := getattr(self._transport, "_io_writer", None)) is not None:
                writer.transport.abort()  # the goodbye of TLS would take half a minute

    async def note(self, error: Exception) -> None:
        """What nats-py could not tell the caller, in one line, once."""
        words = str(error) or type(error).__name__
        if words != self.trouble:
            self.trouble = words
            log.info("nats", link=self.options.get("name"), error=words)

    async def _close(self, status: int, do_cbs: bool = True) -> None:  # noqa: FBT001, FBT002 - nats-py's signature
        self.lost.set()
        await super()._close(status, do_cbs)

    async def _process_headers(self, headers: bytes | None) -> Headers | None:
        if not headers:
            return None
        found = Headers()
        if not headers.startswith(_WRITTEN):
            try:
                found.update(await super()._process_headers(headers) or {})
            except Exception:  # noqa: BLE001 - a block that cannot be read is judged by whoever takes the message
                found.clear()
        found.raw = headers
        return found

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        await super()._process_msg(sid, _text(subject), _text(reply), data, headers)


class _BoundedParser(Parser):
    async def parse(self, data: bytes = b"") -> None:
        if len(self.buf) + len(data) > _GATHERED:
            raise ProtocolError(f"more than {_GATHERED} bytes for one message")
        try:
            await super().parse(data)
        except (OSError, Error):
            raise
        except Exception as error:
            raise ProtocolError(f"not the NATS protocol: {error!r}") from error


async def dial(endpoint: Endpoint) -> Connection:
    """Connect. WrongPin when the server holds another key, NoLink when it is not there or does not let us in."""
    host, port = endpoint.address
    try:
        context = await pinned(host, port, endpoint.pin)
    except (OSError, TimeoutError) as error:
        raise NoLink(f"{host}:{port} does not answer: {_words(error)}", code="no-answer") from None
    connection = Connection(endpoint.key)
    try:
        async with asyncio.timeout(_WITHIN):
            await connection.connect(f"tls://{_bracketed(host)}:{port}", tls=context, **_options(connection, endpoint))
    except BaseException as error:
        words = (isinstance(error, TimeoutError) and connection.trouble) or _words(error)
        await connection.close()
        if not isinstance(error, Exception):
            raise
        raise NoLink(f"{host}:{port} does not let us in: {words}", code="refused") from None
    return connection


def _options(connection: Connection, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "tls_handshake_first": True,
        "signature_cb": connection.answer,
        "inbox_prefix": endpoint.inbox,
        "name": endpoint.name,
        "error_cb": connection.note,
        "allow_reconnect": False,
        "connect_timeout": 5,
        "ping_interval": 10,
        "max_outstanding_pings": 2,
        "drain_timeout": 5,
    }


def _text(raw: bytes) -> bytes:
    """The same bytes where they are UTF-8; else with the bad ones replaced, so that the message fails by itself later."""
    return raw if raw.isascii() else raw.decode("utf-8", "replace").encode()


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
