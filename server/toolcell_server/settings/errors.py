"""
What is wrong with a setting.
"""

from __future__ import annotations

import json
from typing import Any, Final

_LONGEST_VALUE: Final = 200  # characters; a path is worth nothing in part
_UNSET: Final = object()


class SettingsError(Exception):
    """
    Raised when the settings cannot be used.  Reads as one line: where, key, value, what, remedy.

    `source` says where the value came from; whoever knows it fills it in.
    """

    def __init__(
        self, what: str, remedy: str, *, key: str = "", value: Any = _UNSET, source: str = ""
    ) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy
        self.key = key
        self.value = value
        self.source = source

    def __str__(self) -> str:
        name = self.key if self.value is _UNSET else f"{self.key} = {_shown(self.value)}"
        if name and self.what.startswith(name):  # it names the key, and more exactly
            name = ""
        before = ": ".join(part for part in (self.source, name) if part)
        return f"{before}: {self.what}; {self.remedy}" if before else f"{self.what}; {self.remedy}"


def _shown(value: Any) -> str:
    """
    The value about as TOML writes it, cut short.
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
