"""The one door to stix2 and stix2-validator: judges beside the hot path, loaded on first need (stix2 alone takes 0.5 s).

Used by the tests, at export and by `hub doctor`. stix2-validator belongs to the `dev` extra; without it `problems` says so.
"""

from __future__ import annotations

from typing import Any, Final

_MISSING: Final = "stix2-validator is not installed; it comes with the extra dev"


def parse(payload: bytes) -> Any:
    """The bundle as stix2 objects; stix2 raises its own errors for what it refuses. TLP 2.0 and our extension pass as dicts."""
    import stix2  # noqa: PLC0415 - half a second, and only where a judge is asked

    return stix2.parse(payload.decode("utf-8"), version="2.1")


def problems(payload: bytes) -> tuple[str, ...]:
    """Every error and warning of stix2-validator in strict mode; empty when it accepts. RuntimeError where it is not installed."""
    try:
        from stix2validator import ValidationOptions, validate_string  # noqa: PLC0415 - as above, and an extra
    except ImportError:
        raise RuntimeError(_MISSING) from None
    options = ValidationOptions(strict=True, version="2.1", silent=True)
    results = validate_string(payload.decode("utf-8"), options)
    judged = results.object_results if hasattr(results, "object_results") else [results]
    lines = [str(line) for one in judged for line in (*one.errors, *one.warnings)]
    return tuple(lines) if lines or results.is_valid else ("refused without a reason",)
