"""
What may be asked of `tool_choice`, for all formats of OpenAI.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MODES = ("auto", "none", "required", "one")


def checked(mode: str, names: Sequence[str]) -> None:
    """
    Raises:
        ValueError: there is no such mode, or it takes other names.
    """
    if mode not in MODES:
        raise ValueError(f"no mode is called {mode!r}; there are {', '.join(MODES)}")
    if mode == "one" and len(names) != 1:
        raise ValueError(f"the mode 'one' takes the name of one tool, not {len(names)}")
