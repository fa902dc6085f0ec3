"""The OpenAPI 3.1 description, made from the route table and the types that it names: one truth, no second list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import pydantic
from pydantic.json_schema import models_json_schema

from hub.web.problem import KINDS
from hub.web.route import Route

_REF = "#/components/schemas/{}"
_PARAMETER = re.compile(r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")
_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request within 24 hours gives the same answer and acts once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": 'The version that you saw, in quotes: "3".',
    "schema": {"type": "string"},
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "incident": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def describe(routes: Iterable[Route], *, title: str, version: str, server: str) -> bytes:
    """The document in JSON, without the desk's pages. `server` is the node's public address."""
    table = [route for route in routes if not route.page]
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route)
    document = {
        "openapi": "3.1.0",
        "info": {"title": f"{title}: School Safety Hub API", "version": version},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM, **_forms(table), **_answers(table)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": {str(route.status): _good(route), "default": _bad()},
    }
    if route.access != "public":
        made["security"] = [{"token": []}]
        made["description"] = f"Who may: {_who(route)}."
    if route.body is not None:
        schema = {"$ref": _REF.format(route.body.__name__)}
        made["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return made


def _who(route: Route) -> str:
    words = {
        "token": "any person with a token",
        "operator": "an operator",
        "local": "this machine, or an operator",
    }
    return words.get(route.access) or f"a person whose roles include {route.access}"


def _parameters(route: Route) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]
    made += [
        {"name": each.name, "in": "query", "description": each.about, "schema": each.schema} for each in route.query
    ]
    if route.method == "POST" and route.access != "public":
        made.append(_KEY_HEADER)
    if route.body is not None and ("version" in route.body.model_fields or route.method == "PATCH"):
        made.append(_IF_MATCH)
    return made


def _good(route: Route) -> dict[str, Any]:
    schema = {"$ref": _REF.format(route.answer.__name__)} if route.answer else {}
    content = {media: {"schema": schema if "json" in media else {"type": "string"}} for media in route.media}
    return {"description": route.summary, **({"content": content} if content else {})}


def _bad() -> dict[str, Any]:
    kinds = ", ".join(f"{kind.status} {kind.code}" for kind in KINDS.values())
    schema = {"$ref": _REF.format("Problem")}
    return {
        "description": f"A problem: {kinds}.",
        "content": {"application/problem+json": {"schema": schema}},
    }


def _forms(routes: list[Route]) -> dict[str, Any]:
    models = sorted({route.body for route in routes if route.body is not None}, key=lambda each: each.__name__)
    wanted: list[tuple[type[pydantic.BaseModel], Any]] = [(model, "validation") for model in models]
    _, document = models_json_schema(wanted, ref_template=_REF.format("{model}"))
    return dict(document.get("$defs", {}))


def _answers(routes: list[Route]) -> dict[str, Any]:
    structs = sorted({route.answer for route in routes if route.answer is not None}, key=lambda each: each.__name__)
    _, components = msgspec.json.schema_components(structs, ref_template=_REF.format("{name}"))
    return components
