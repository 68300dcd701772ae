"""
The names of all settings: which exist, and what was meant by one that does not.  Pure.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from toolcell_server.settings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_known(key: str, name: str, known: Iterable[str]) -> None:
    """
    Check the last part of a key against the names that may stand there.

    Raises:
        SettingsError: it is none of them; names the closest, or all.
    """
    names = sorted(known)
    if name in names:
        return
    close = difflib.get_close_matches(name[:64], names, n=1)
    close += [full for full in names if name and full.startswith(name)]  # wall: wall_seconds
    remedy = f"did you mean {close[0]}?" if close else f"the names here are {', '.join(names)}"
    raise SettingsError("is not a setting", remedy, key=key)
