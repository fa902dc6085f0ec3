"""`python -m tests.docs`: write the pages of docs/reference/ that are not in step with the code."""

from __future__ import annotations

import sys

from tests.docs.reference import write

sys.stdout.writelines(f"{name}\n" for name in write())
