"""
Tools and networks, as several sections name them.
"""

from __future__ import annotations

from typing import Any

from toolcell_server.rights.origins import REMEDY as ORIGINS
from toolcell_server.rights.origins import NotAnOrigin, Origins
from toolcell_server.rights.selectors import REMEDY as SELECTORS
from toolcell_server.rights.selectors import NotASelector, Selectors
from toolcell_server.settings import shapes
from toolcell_server.settings.errors import SettingsError


def selectors(key: str, value: Any) -> Selectors:
    """
    A list of tools.

    Raises:
        SettingsError: it is none.
    """
    try:
        return Selectors.parse(shapes.texts(key, value))
    except NotASelector as exc:
        raise SettingsError(str(exc), SELECTORS, key=key) from None


def origins(key: str, value: Any) -> Origins | None:
    """
    A list of networks; None if it is not given.  An empty one would be nowhere at all.

    Raises:
        SettingsError: it is none, or empty.
    """
    if value is None:
        return None
    given = shapes.texts(key, value)
    if not given:
        raise SettingsError("is empty", f"{ORIGINS}, or leave the list out", key=key)
    try:
        return Origins.parse(given)
    except NotAnOrigin as exc:
        raise SettingsError(str(exc), ORIGINS, key=key) from None
