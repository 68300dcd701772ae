"""
What a call may not ask of a hosted tool, because nobody could hold its host to it.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from toolcell_server.hosts.definitions import LIMITS
from toolcell_server.refusals import FieldNotSupported

if TYPE_CHECKING:
    from toolcell_server.request_fields import Request

_ENFORCED: Final = frozenset(name.removesuffix("_seconds") for name in LIMITS)
_WHY: Final = (
    "the tool is hosted, and runs outside every cell",
    "leave it out, or call a tool that runs in a cell",
)


def check_narrowing(request: Request) -> None:
    """
    Raises:
        FieldNotSupported: the call lowers a limit that only a cell could enforce.
    """
    for field, _ in request.limits.ListFields():
        if field.name not in _ENFORCED:
            raise FieldNotSupported(f"limits.{field.name}", *_WHY)
