"""A little stand-in for the federal side: one hand-written catalogue in CISA KEV's form, served with ETag and 304.

Vendors, products and CVE numbers are made up; dates are relative to now so that the demo never looks old.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any, NamedTuple

from aiohttp import web

KEV_PATH = "/kev.json"


class _Flaw(NamedTuple):
    """One made-up entry: when it was added, in what, what goes wrong, and how many days there are to act."""

    days_ago: int
    vendor: str
    product: str
    kind: str
    effect: str
    ransomware: str
    days_to_act: int


_FLAWS = (
    _Flaw(1, "Northfield Controls", "Building Manager", "Authentication Bypass",
          "lets anyone on the network change heating, ventilation and door schedules", "Known", 3),
    _Flaw(1, "Harborline", "Classroom Gateway", "Command Injection",
          "lets a remote attacker run commands on the gateway", "Unknown", 14),
    _Flaw(2, "Quietwater", "VPN Appliance", "Path Traversal",
          "lets a remote attacker read files, passwords among them", "Known", 3),
    _Flaw(4, "Brightmeadow", "Student Records", "SQL Injection",
          "lets a signed-in user read the records of other schools", "Unknown", 21),
    _Flaw(9, "Larkspur", "Mail Server", "Use-After-Free",
          "lets a crafted message run code on the mail server", "Unknown", 21),
    _Flaw(16, "Copperleaf", "Camera Recorder", "Hard-Coded Credentials",
          "lets anyone watch and delete recordings", "Unknown", 21),
    _Flaw(30, "Stonebridge", "Print Server", "Privilege Escalation",
          "lets a local user become administrator", "Unknown", 21),
    _Flaw(44, "Fernhill", "Backup Agent", "Deserialization of Untrusted Data",
          "lets a remote attacker run code and delete backups", "Known", 21),
)  # fmt: skip


def kev_catalogue(today: dt.date) -> dict[str, Any]:
    """The catalogue as CISA KEV writes it (JSON, newest first), dated back from `today`."""
    entries = [_entry(number, today, flaw) for number, flaw in enumerate(_FLAWS, start=1)]
    return {
        "title": "EXERCISE catalogue in the form of CISA's Known Exploited Vulnerabilities",
        "catalogVersion": today.strftime("%Y.%m.%d"),
        "dateReleased": f"{today.isoformat()}T12:00:00.000Z",
        "count": len(entries),
        "vulnerabilities": entries,
    }


def _entry(number: int, today: dt.date, flaw: _Flaw) -> dict[str, Any]:
    added = today - dt.timedelta(days=flaw.days_ago)
    return {
        "cveID": f"CVE-{today.year}-{99000 + number}",
        "vendorProject": flaw.vendor,
        "product": flaw.product,
        "vulnerabilityName": f"{flaw.vendor} {flaw.product} {flaw.kind} Vulnerability",
        "dateAdded": added.isoformat(),
        "shortDescription": f"{flaw.vendor} {flaw.product} contains a flaw that {flaw.effect}.",
        "requiredAction": "Apply the vendor's update, or take the product off the network until it is applied.",
        "dueDate": (added + dt.timedelta(days=flaw.days_to_act)).isoformat(),
        "knownRansomwareCampaignUse": flaw.ransomware,
        "notes": "Made up for an exercise.",
        "cwes": [],
    }


def app(today: dt.date) -> web.Application:
    """An application that serves the catalogue at `KEV_PATH`, conditionally as the agency does."""
    body = json.dumps(kev_catalogue(today), indent=1).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'

    async def catalogue(request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, content_type="application/json", headers={"ETag": etag})

    served = web.Application()
    served.router.add_get(KEV_PATH, catalogue)
    return served
