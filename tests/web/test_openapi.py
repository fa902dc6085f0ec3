"""The description is valid OpenAPI 3.1, says what the table says, and answers are what it promises."""

from __future__ import annotations

import re

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from hub.web.app import ROUTES
from tests.web.house import form

# The desk's pages are for people at a browser; the description is for programs.
DESCRIBED = [route for route in ROUTES if not route.page]


@pytest.fixture
async def described(house):
    return (await house.get("/openapi.json")).json()


async def test_it_is_valid(described):
    assert described["openapi"] == "3.1.0"
    errors = list(OpenAPIV31SpecValidator(described).iter_errors())
    assert errors == []


async def test_every_route_is_in_it_once(described):
    found = {(path, method) for path, methods in described["paths"].items() for method in methods}
    assert found == {(route.path, route.method.lower()) for route in DESCRIBED}


async def test_who_may_is_said(described):
    for route in DESCRIBED:
        operation = described["paths"][route.path][route.method.lower()]
        assert ("security" in operation) == (route.access != "public")
        for name in re.findall(r"\{(\w+)\}", route.path):
            assert {"name": name, "in": "path"}.items() <= next(
                each for each in operation["parameters"] if each["name"] == name
            ).items()
        if route.method == "POST":
            known = route.access != "public"  # keys belong to persons
            assert known == ("Idempotency-Key" in [each["name"] for each in operation["parameters"]])


async def test_every_reference_leads_somewhere(described):
    text = msgspec.json.encode(described).decode()
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert names <= set(described["components"]["schemas"])


async def test_times_are_dates_with_a_zone(described):
    full = described["components"]["schemas"]["Full"]["properties"]
    assert full["expires"]["format"] == "date-time"


async def test_answers_are_what_the_table_promises(house):
    product = await house.publish()
    draft = await house.draft()
    asked = {
        "bulletins": "/api/v1/bulletins",
        "show": f"/api/v1/bulletins/{draft['id']}",
        "queue": "/api/v1/queue",
        "queue_fold": "/api/v1/queue/cisa-kev:backlog",
        "sources": "/api/v1/sources",
        "peers": "/api/v1/peers",
        "healthz": "/healthz",
        "readyz": "/readyz",
        "version": "/version",
        "node_card": "/.well-known/school-safety-hub.json",
    }
    routes = {route.name: route for route in ROUTES}
    for name, path in asked.items():
        answer = await house.get(path, "analyst")
        msgspec.json.decode(answer.body, type=routes[name].answer, strict=False)
    shown = await house.get(f"/api/v1/bulletins/{product}", "analyst")
    msgspec.json.decode(shown.body, type=routes["show"].answer, strict=False)


async def test_what_it_says_of_a_form_is_what_the_form_takes(described):
    schema = described["components"]["schemas"]["BulletinForm"]
    assert set(form()) <= set(schema["properties"])
    assert set(schema["required"]) <= set(form())
    assert schema["additionalProperties"] is False
