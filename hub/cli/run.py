"""`hub run`: the node until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated

import cyclopts
import structlog
import uvloop

from hub.errors import Invalid
from hub.node import PARTS, Node
from hub.settings import Settings, load
from hub.store.lock import NodeLock

Config = Annotated[Path, cyclopts.Parameter(help="The node's hub.toml.")]


def run(*, config: Config = Path("hub.toml"), only: str = ",".join(PARTS)) -> int:
    """Run the node of this hub.toml: pages and API, its own nats-server and links, and the connectors."""
    settings = load(config)
    chosen = tuple(part.strip() for part in only.split(",") if part.strip())
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown or not chosen:
        raise Invalid(f"--only takes {', '.join(PARTS)}, not {', '.join(unknown) or 'nothing'}.")
    _log_to_stdout(settings)
    with NodeLock(settings.directory):
        uvloop.run(_until_told(settings, chosen))
    return 0


class ClassOnly(logging.Filter):
    """Of what aiohttp and asyncio log, only the class of error and where it was raised.

    Their words, arguments and traces quote requests, and those may hold a token.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the words out; let the record through."""
        if record.name.partition(".")[0] in {"aiohttp", "asyncio"}:
            record.msg, record.args = _class_of(record), ()
            record.exc_info = record.exc_text = record.stack_info = None
        return True


def _class_of(record: logging.LogRecord) -> str:
    kind, _, trace = record.exc_info or (None, None, None)
    if kind is None:
        return f"a note of {record.name} (its words may quote a request, so they are not kept)"
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" in {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return f"{kind.__name__}{where}"


async def _until_told(settings: Settings, only: tuple[str, ...]) -> None:
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    node = Node(settings)
    await node.start(only)
    try:
        await told.wait()
    finally:
        await node.stop()


def _log_to_stdout(settings: Settings) -> None:
    """One line a fact, as JSON for a service or in colour for a terminal; nothing secret is ever bound to a logger."""
    show: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.log == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            show,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(ClassOnly())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], format="%(levelname)s %(name)s %(message)s")
