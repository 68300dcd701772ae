"""
A bundle of the settings, as the pool hosts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_server.warm_kinds import USUAL, Warmth

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """
    One bundle of the settings, as its zygote is told of it.  `python` is empty for our own
    interpreter; its folder is looked at for changes each `reload_seconds`, 0 for never.
    """

    name: str
    instructions: Mapping[str, Any]
    python: str = ""
    warmth: Warmth = USUAL
    reload_seconds: float = 0.0

    @property
    def folder(self) -> str:
        """
        Where its files lie; empty if it is an installed package.
        """
        return str(self.instructions.get("path", ""))
