"""
The command line as the tests of the client call it, and the parameters of the tool they call.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Toolcell = Callable[..., subprocess.CompletedProcess[bytes]]
SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "count": {"type": "integer"}},
    "additionalProperties": False,
}
