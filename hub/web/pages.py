"""Pages: the templates with their words and filters, and the few static files, held in memory with their hashes."""

from __future__ import annotations

import importlib.resources
import secrets
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from hub.errors import NotFound
from hub.web import wording
from hub.web.conditional import Body, answer
from hub.web.parts import Parts

_TYPES = {
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
_YEAR = "public, max-age=31536000, immutable"
_MINUTES = "public, max-age=300"
STATIC = web.AppKey("STATIC", dict[str, Body])


def set_up(app: web.Application, node: Parts) -> None:
    """Load templates and static files. Escaping is on for every template."""
    app[STATIC] = files = _files(node)
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("hub.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
        filters=_filters(node.zone),
    )
    environment.globals["node"] = {
        "title": node.title,
        "state": node.state_name,
        "exercise": node.exercise,
        "contact": _contact(node.contact),
        "css": _address(files, "hub.css"),
        "console_css": _address(files, "console.css"),
    }
    environment.globals["once"] = lambda: secrets.token_urlsafe(18)  # see hub.web.console.forms


def _address(files: dict[str, Body], name: str) -> str:
    """The address of a static file, which holds its hash."""
    return f"/static/{name}?v={files[name].tag[:12]}"


def render(request: web.Request, template: str, context: dict[str, Any]) -> str:
    """A page as text."""
    return aiohttp_jinja2.render_string(template, request, context)


async def static(request: web.Request) -> web.Response:
    """A static file; under the address that holds its hash it never changes."""
    body = request.app[STATIC].get(request.match_info["name"])
    if body is None:
        raise NotFound
    fresh = request.query.get("v", "") == body.tag[:12]
    return answer(request, body, {"Cache-Control": _YEAR if fresh else _MINUTES})


async def robots(request: web.Request) -> web.Response:
    """What crawlers may not ask."""
    return answer(request, request.app[STATIC]["robots.txt"], {"Cache-Control": _MINUTES})


def _files(node: Parts) -> dict[str, Body]:
    folder = importlib.resources.files("hub.web") / "static"
    return {
        file.name: Body(file.read_bytes(), _TYPES[file.name.rpartition(".")[2]], node.issued)
        for file in folder.iterdir()
        if file.name.rpartition(".")[2] in _TYPES
    }


def _filters(zone: str) -> dict[str, Any]:
    return {
        "area": wording.area_words,
        "lines": wording.lines,
        "mark": wording.MARKS.__getitem__,
        "origin": wording.origin_words,
        "role": wording.role_words,
        "tlp": wording.tlp_label,
        "tlp_class": wording.tlp_class,
        "tlp_words": wording.TLP_WORDS.__getitem__,
        "topic": wording.topic_words,
        "when": wording.when(zone),
    }


def _contact(text: str) -> str:
    """The contact as a link: an address of the web stays one, anything else is taken for e-mail."""
    if not text or text.startswith(("https://", "http://", "mailto:", "tel:")):
        return text
    return f"mailto:{text}"
