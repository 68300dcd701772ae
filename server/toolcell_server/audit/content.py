"""
What of arguments and results is written down: sizes and digests; content only if the operator says
so, and then as a redactor lets it through.  Pure.

Whoever supplies no redactor gets the shape alone: names of members, and of each value its kind.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.audit.lines import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Redact = Callable[[Any, str, Collection[str]], Any]

_MEMBERS: Final = 64  # of one object or list that are shown
_DEEPEST: Final = 8
_KINDS: Final = {str: "text", bool: "truth value", int: "number", float: "number"}


class Content:
    """
    Describes the bytes of arguments or a result.  `redact` gets a JSON value, the name of the tool
    that it is for or from and that tool's own keys, and returns what of it may be written down;
    `maximum` bounds that, in bytes.  None: digests only.
    """

    def __init__(self, redact: Redact | None, maximum: int) -> None:
        self._redact = redact
        self._maximum = maximum

    def describe(self, data: bytes, tool: str, keys: Collection[str] = ()) -> dict[str, Any]:
        said: dict[str, Any] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if self._redact is not None and data:
            said["content"] = self._shown(data, tool, keys)
        return said

    def _shown(self, data: bytes, tool: str, keys: Collection[str]) -> Any:
        if len(data) > 64 * self._maximum:
            return {"withheld": "too large"}
        assert self._redact is not None
        try:
            shown = self._redact(json.loads(data), tool, keys)
        except (ValueError, RecursionError):
            return {"withheld": "no JSON"}
        size = len(encoded(shown))
        return shown if size <= self._maximum else {"withheld": f"{size} bytes"}


def withheld(value: Any, _tool: str, _keys: Collection[str]) -> Any:
    """
    The shape of a JSON value, without what it holds.
    """
    return _shape(value)


def _shape(value: Any, depth: int = 0) -> Any:
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, dict):
        members = list(value.items())[:_MEMBERS]
        return {str(name)[:_MEMBERS]: _shape(each, depth + 1) for name, each in members}
    if isinstance(value, list):
        return [_shape(each, depth + 1) for each in value[:_MEMBERS]]
    return None if value is None else f"withheld {_KINDS.get(type(value), 'value')}"
