"""The node's log: one line a fact on standard output, with no secret in it."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Literal

import structlog

from hub.cli.redaction import RedactedFormatter, hide_named, last_look, redacted


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


def log_to_stdout(form: Literal["json", "console"]) -> None:
    """Lines as JSON for a service or in colour for a terminal. Every road out of the process ends in `redacted`."""
    show: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_named,
            show,
            last_look,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(ClassOnly())
    handler.setFormatter(RedactedFormatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(capture=True)
    sys.excepthook = _last_words
    threading.excepthook = lambda died: _last_words(died.exc_type, died.exc_value, died.exc_traceback)


def _last_words(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    sys.stderr.write(redacted("".join(traceback.format_exception(kind, error, trace))))
