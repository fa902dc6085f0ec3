"""`python -m hub` and the scripts `hub` and `school-safety-hub`."""

from __future__ import annotations

import sys

from hub.cli.root import app
from hub.errors import HubError, Invalid, SettingsError, Unreachable


def main() -> None:
    """Run one command. Exit 0 good, 1 judged bad, 2 usage, 3 node not reachable (DESIGN section 6)."""
    try:
        app()
    except Unreachable as error:
        _say(error)
        sys.exit(3)
    except SettingsError as error:
        _say(error)
        sys.exit(2)
    except HubError as error:
        _say(error)
        sys.exit(1)


def _say(error: HubError) -> None:
    sys.stderr.write(f"hub: {error.message}\n")
    if isinstance(error, Invalid):
        for field in error.errors:
            sys.stderr.write(f"  {field.pointer or '/'}: {field.message}\n")


if __name__ == "__main__":
    main()
