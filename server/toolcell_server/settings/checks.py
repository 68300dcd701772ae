"""
Checks of single values.  Each raises a `SettingsError` that names the key and the remedy.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from toolcell_server.addresses import Address
from toolcell_server.settings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection


def number(key: str, value: Any, lowest: float, highest: float, *, whole: bool) -> None:
    """
    Check for a number within bounds.
    """
    kinds = (int,) if whole else (int, float)
    kind = "a whole number" if whole else "a number"
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise SettingsError(
            f"must be {kind}", f"give one from {lowest} to {highest}", key=key, value=value
        )
    if math.isnan(value) or not lowest <= value <= highest:
        raise SettingsError(
            "is out of range", f"give {kind} from {lowest} to {highest}", key=key, value=value
        )


def switch(key: str, value: Any) -> None:
    """
    Check for true or false.
    """
    if not isinstance(value, bool):
        raise SettingsError("is no switch", "give true or false", key=key, value=value)


def text(key: str, value: Any) -> None:
    """
    Check for a text.
    """
    if not isinstance(value, str):
        raise SettingsError("is no text", "write it in quotes", key=key, value=value)


def one_of(key: str, value: Any, words: Collection[str]) -> None:
    """
    Check for one of a few words.
    """
    if value not in words:
        raise SettingsError("is not known", f"give one of {', '.join(words)}", key=key, value=value)


def address(key: str, value: Any) -> Address:
    """
    Check for an address to listen on.
    """
    text(key, value)
    try:
        return Address.parse(value)
    except ValueError as exc:
        raise SettingsError(
            str(exc), "write the address and the port", key=key, value=value
        ) from None


def loopback(key: str, value: Any, why: str, remedy: str) -> None:
    """
    Check for an address that nobody but this host can reach; `why` it must be one, and what else
    than such an address mends it.
    """
    port = address(key, value).port
    if not Address.parse(value).is_loopback:
        what, other = f"is not a loopback address, and {why}", f"listen on 127.0.0.1:{port}"
        raise SettingsError(what, f"{other}, or {remedy}", key=key, value=value)


def directory(key: str, value: Any) -> None:
    """
    Check for the absolute path of a directory that exists.
    """
    text(key, value)
    if not os.path.isabs(value):  # noqa: PTH117  # a text that may be no path at all
        raise SettingsError("is not an absolute path", "begin it with /", key=key, value=value)
    if "\0" in value or not os.path.isdir(value):  # noqa: PTH112  # as above
        found = "is not a directory" if _exists(value) else "does not exist"
        raise SettingsError(found, "create the directory or name another", key=key, value=value)


def program(key: str, value: Any) -> None:
    """
    Check for the absolute path of a file that can be executed.
    """
    text(key, value)
    if not os.path.isabs(value):  # noqa: PTH117  # a text that may be no path at all
        raise SettingsError("is not an absolute path", "begin it with /", key=key, value=value)
    if "\0" in value or not (os.path.isfile(value) and os.access(value, os.X_OK)):  # noqa: PTH113
        found = "is not an executable file" if _exists(value) else "does not exist"
        raise SettingsError(
            found, "name an interpreter, as in /srv/venv/bin/python", key=key, value=value
        )


def _exists(path: str) -> bool:
    return "\0" not in path and os.path.lexists(path)
