"""
The section `[redaction]`: which secrets are taken out of everything that leaves the server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from toolcell_server.redaction import BUILTIN, Shape, forms
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

_PATTERN: Final = ("name", "prefix", "characters", "minimum")
_MOST: Final = 64  # of keys, patterns and values each; every one costs time in every result
KEYS: Final = ("keys", "builtin_patterns", "patterns", "values")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionSettings:
    """
    `keys` are names whose values are redacted at any depth of a JSON value; `shapes` what secrets
    look like; `values` secrets themselves, read by reference, shown by nothing.

    Raises:
        SettingsError: something cannot be used; no value is in the text.
    """

    keys: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = ()
    values: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        keys, values = _list(section, "keys"), _list(section, "values")
        patterns = _list(section, "patterns")
        for index, key in enumerate(keys):
            checks.text(f"redaction.keys[{index}]", key)
            if not key:
                raise SettingsError("is empty", "name a key", key=f"redaction.keys[{index}]")
        builtin = section.get("builtin_patterns", False)
        checks.switch("redaction.builtin_patterns", builtin)
        own = tuple(_shape(index, entry) for index, entry in enumerate(patterns))
        return cls(
            keys=tuple(keys),
            shapes=(*(BUILTIN if builtin else ()), *own),
            values=tuple(_value(index, entry) for index, entry in enumerate(values)),
        )


def _list(section: Mapping[str, Any], name: str) -> list[Any]:
    value, key = section.get(name, []), f"redaction.{name}"
    if not isinstance(value, list):
        raise SettingsError("is no list", "write it as […]", key=key)
    if len(value) > _MOST:
        raise SettingsError(f"has more than {_MOST} entries", "shorten it", key=key)
    return value


def _shape(index: int, entry: Any) -> Shape:
    key = f"redaction.patterns[{index}]"
    remedy = 'write { name = "acme", prefix = "acme_", characters = "A-Za-z0-9", minimum = 24 }'
    if not isinstance(entry, Mapping):
        raise SettingsError("is no table", remedy, key=key)
    for name in entry:
        check_known(f"{key}.{name}", name, _PATTERN)
    for name in ("name", "prefix", "characters"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise SettingsError("is missing or no text", remedy, key=f"{key}.{name}")
    checks.number(f"{key}.minimum", entry.get("minimum"), 1, 256, whole=True)
    try:
        return Shape.parse(entry["name"], entry["prefix"], entry["characters"], entry["minimum"])
    except ValueError as exc:
        raise SettingsError(str(exc), remedy, key=key) from None


def _value(index: int, entry: Any) -> str:
    key = f"redaction.values[{index}]"
    remedy = 'write { env = "NAME" } or { file = "/path" }'
    if not isinstance(entry, Mapping) or len(entry) != 1 or not {"env", "file"} >= entry.keys():
        raise SettingsError("is no reference to a secret", remedy, key=key)
    [(way, name)] = entry.items()
    checks.text(f"{key}.{way}", name)
    value = os.environ.get(name, "") if way == "env" else _read(f"{key}.file", name)
    if not value:
        raise SettingsError("is not set, or empty", "set it, or leave it out", key=f"{key}.{way}")
    try:
        forms.forms(value)
    except ValueError as exc:
        raise SettingsError(str(exc), "leave it out, or use a longer one", key=key) from None
    return value


def _read(key: str, name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise SettingsError(f"cannot be read: {why}", "name a file", key=key, value=name) from None
