"""
Checks of lists and tables, each of which names the key and the remedy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def tables(key: str, value: Any, known: Collection[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """
    The tables of a list `[[key]]`, each with its own key.

    Raises:
        SettingsError: it is no such list, or one has a name that is not known.
    """
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise SettingsError("is no list of tables", f"write each as [[{key}]]", key=key)
    found = [(f"{key}[{index}]", entry) for index, entry in enumerate(value)]
    for at, entry in found:
        for name in entry:
            check_known(f"{at}.{name}", name, known)
    return found


def texts(key: str, value: Any) -> tuple[str, ...]:
    """
    A list of texts.

    Raises:
        SettingsError: it is none.
    """
    if not isinstance(value, list):
        raise SettingsError("is no list", 'write it as ["…"]', key=key, value=value)
    for index, text in enumerate(value):
        checks.text(f"{key}[{index}]", text)
    return tuple(value)


def name(key: str, entry: Mapping[str, Any], longest: int) -> str:
    """
    The name that a table must have.

    Raises:
        SettingsError: it has none that can be used.
    """
    if "name" not in entry:
        raise SettingsError("has no name", 'give it one, as in name = "mine"', key=key)
    value = entry["name"]
    checks.text(f"{key}.name", value)
    if not 0 < len(value) <= longest or not value.isprintable():
        remedy = f"give 1 to {longest} characters that can be printed"
        raise SettingsError("is no name", remedy, key=f"{key}.name", value=value)
    return value  # type: ignore[no-any-return]  # it is a text


def unique(key: str, names: Sequence[str]) -> None:
    """
    Raises:
        SettingsError: two are equal.
    """
    for index, one in enumerate(names):
        if one in names[:index]:
            raise SettingsError("is given twice", "rename one", key=f"{key}.name", value=one)
