"""Made-up alerts in the shapes of api.weather.gov."""

from __future__ import annotations

import json
from typing import Any

NATIONAL = "Current watches, warnings, and advisories"
API = "https://api.weather.gov/alerts/"


def name(number: int) -> str:
    return f"urn:oid:2.49.0.1.840.0.{number:040x}.001.1"


def properties(number: int = 1, **given: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "@id": API + name(number),
        "@type": "wx:Alert",
        "id": name(number),
        "areaDesc": "Travis, TX; Hays, TX",
        "geocode": {"SAME": ["048453", "048209"], "UGC": ["TXC453", "TXC209"]},
        "references": [],
        "sent": "2031-02-03T10:00:00-06:00",
        "effective": "2031-02-03T10:00:00-06:00",
        "onset": "2031-02-03T11:00:00-06:00",
        "expires": "2031-02-03T13:00:00-06:00",
        "ends": "2031-02-03T14:00:00-06:00",
        "status": "Actual",
        "messageType": "Alert",
        "category": "Met",
        "severity": "Severe",
        "certainty": "Likely",
        "urgency": "Expected",
        "event": "Flood Warning",
        "headline": f"Flood Warning {number} until 2 PM",
        "description": "The creek behind the gymnasium is rising.",
        "instruction": "Move the buses to high ground.",
        "parameters": {"VTEC": [f"/O.NEW.KEWX.FL.W.{number:04}.310203T1700Z-310203T2000Z/"]},
        "language": "en-US",
        "eventCode": {"SAME": ["FLW"], "NationalWeatherService": ["FLW"]},
    }
    return {key: value for key, value in (facts | given).items() if value is not ...}


def refers(*numbers: int) -> list[dict[str, str]]:
    return [{"@id": API + name(number), "identifier": name(number), "sender": "w", "sent": ""} for number in numbers]


def feature(number: int = 1, **given: Any) -> dict[str, Any]:
    said = properties(number, **given)
    return {"id": said.get("@id"), "type": "Feature", "geometry": None, "properties": said}


def collection(*features: Any, title: str = NATIONAL, **given: Any) -> bytes:
    facts = {"@context": [], "type": "FeatureCollection", "features": list(features), "title": title}
    return json.dumps(facts | {"updated": "2031-02-03T16:00:00+00:00"} | given).encode()


def linked(*numbers: int, title: str = NATIONAL) -> bytes:
    """The same list as JSON-LD."""
    return json.dumps({"@context": {}, "@graph": [properties(number) for number in numbers], "title": title}).encode()
