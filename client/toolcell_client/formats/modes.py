"""
How a model may be told to call, in one vocabulary for all formats.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MODES = ("auto", "none", "required")  # "one" besides, which takes a name


def check_mode(mode: str, names: Sequence[str]) -> None:
    """
    Check a mode as `Format.choice` takes it.

    Raises:
        ValueError: there is no such mode, or it takes other names.
    """
    if mode not in (*MODES, "one"):
        raise ValueError(f"no mode is called {mode!r}; there are {', '.join(MODES)} and one")
    if mode == "one" and len(names) != 1:
        raise ValueError(f"the mode 'one' takes the name of one tool, not {len(names)}")
