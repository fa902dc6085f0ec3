"""What can go wrong, as one tree; the edge turns each leaf into a status and an exit code.

HubError
├── SettingsError        the settings cannot be used; names the setting and the fix
├── Invalid              the request does not fit; carries every field's error      422, exit 1
├── Forbidden            this person may not do this                               403, exit 1
├── NotFound             there is no such thing for this reader                    404, exit 1
├── Conflict             it moved on, or its state does not allow this             409, exit 1
├── StoreError           the database cannot take it now                           503, exit 1
│   └── ReadOnly         an fsync failed: nothing is written before a restart
└── Unreachable          no node answered                                          exit 3
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class FieldError:
    """One field's error: a JSON pointer ("/areas/0/fips"), what is wrong and how to put it right."""

    pointer: str
    message: str


class HubError(Exception):
    """Anything that the hub refuses or fails at, said in words for the person who asked. `code` is a stable token."""

    def __init__(self, message: str, *, code: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class SettingsError(HubError):
    """The settings cannot be used."""


class Invalid(HubError):
    """The request does not fit its shape; `errors` names every field at once."""

    def __init__(self, message: str, errors: tuple[FieldError, ...] = (), *, code: str = "invalid") -> None:
        super().__init__(message, code=code)
        self.errors = errors


class Forbidden(HubError):
    """This person may not do this."""


class NotFound(HubError):
    """There is no such thing for this reader; what one may not read looks just the same."""

    def __init__(self, message: str = "There is nothing here.", *, code: str = "not-found") -> None:
        super().__init__(message, code=code)


class Conflict(HubError):
    """The thing moved on since it was read, or its state does not allow this."""


class StoreError(HubError):
    """The database cannot take it now."""


class ReadOnly(StoreError):
    """An fsync failed: the node writes nothing before it is restarted."""


class Unreachable(HubError):
    """No node answered at the address."""
