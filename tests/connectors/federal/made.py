"""A small made-up catalogue in the shape of CISA's."""

from __future__ import annotations

import json
from typing import Any


def vulnerability(number: int = 1, **given: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "cveID": f"CVE-2031-{number:04}",
        "vendorProject": "Fourth Street",
        "product": "Door Controller",
        "vulnerabilityName": f"Fourth Street Door Controller Command Injection Vulnerability {number}",
        "dateAdded": "2031-02-03",
        "shortDescription": "The controller runs what the login form is told.",
        "requiredAction": "Apply updates per vendor instructions.",
        "dueDate": "2031-02-24",
        "knownRansomwareCampaignUse": "Unknown",
        "notes": f"https://vendor.example/psa-{number} ; https://nvd.nist.gov/vuln/detail/CVE-2031-{number:04}",
        "cwes": ["CWE-78"],
    }
    return {key: value for key, value in (facts | given).items() if value is not ...}


def catalogue(*entries: Any, **given: Any) -> bytes:
    facts = {
        "title": "CISA Catalog of Known Exploited Vulnerabilities",
        "catalogVersion": "2031.02.03",
        "dateReleased": "2031-02-03T14:00:00.0000Z",
        "count": len(entries),
        "vulnerabilities": list(entries),
    }
    return json.dumps(facts | given, indent=2).encode()
