"""
The section `[approval]`: which calls a person has to say yes to, and how.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

from toolcell_server.approvals.kinds import KINDS, Kind, ToolKind
from toolcell_server.approvals.pins import PinHash
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

_PATTERN: Final = re.compile(r"[a-zA-Z0-9_*-]{1,64}")
_SECONDS: Final = {
    "confirm_seconds": (1, 3600),
    "approve_seconds": (1, 30 * 24 * 3600),
    "keep_seconds": (0, 30 * 24 * 3600),
    "pin_lock_seconds": (1, 24 * 3600),
}
_WHOLE: Final = {"maximum_pending": (1, 1000), "pin_attempts": (1, 10)}

_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSettings:
    """
    `default_for_destructive` and `tools` say which calls need an approval: "" (none), "confirm" or
    "approve".  `confirm_seconds` and `approve_seconds` bound the time from the question to the run,
    and `keep_seconds` says for how long after that an approval is remembered.  A principal may have
    `maximum_pending` that wait.  `pins` are the hashed PINs of principals; an approval is void
    after `pin_attempts` wrong ones, and three times as many in a row, over all of a principal's,
    lock it out for `pin_lock_seconds` and each time for twice as long.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    default_for_destructive: Kind = ""
    confirm_seconds: float = 120.0
    approve_seconds: float = 3600.0
    keep_seconds: float = 3600.0
    maximum_pending: int = 20
    pin_attempts: int = 3
    pin_lock_seconds: float = 900.0
    tools: tuple[ToolKind, ...] = ()
    pins: Mapping[str, PinHash] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        key = "approval.default_for_destructive"
        checks.one_of(key, self.default_for_destructive, KINDS)
        for name, (lowest, highest) in _SECONDS.items():
            checks.number(f"approval.{name}", getattr(self, name), lowest, highest, whole=False)
        for name, (lowest, highest) in _WHOLE.items():
            checks.number(f"approval.{name}", getattr(self, name), lowest, highest, whole=True)

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        values = dict(section)
        pins = _entries("pins", values.pop("pins", []), ("principal", "hash"), _pin)
        return cls(
            tools=_entries("tools", values.pop("tools", []), ("tool", "kind"), _tool),
            pins=_once(pins),
            **values,
        )

    def seconds(self, kind: str) -> float:
        """
        How long an approval of that kind may take.
        """
        return self.confirm_seconds if kind == "confirm" else self.approve_seconds


def _entries(
    name: str, entries: Any, keys: tuple[str, ...], read: Callable[[str, Mapping[str, str]], _Entry]
) -> tuple[_Entry, ...]:
    """
    The entries of a list of tables, each of which has these keys and no other.
    """
    where = f"approval.{name}"
    if not isinstance(entries, list):
        raise SettingsError("is no list of tables", f"write each as [[{where}]]", key=where)
    found = []
    for index, entry in enumerate(entries):
        key = f"{where}[{index}]"
        if not isinstance(entry, Mapping):
            raise SettingsError("is no table", f"write it as [[{where}]]", key=key)
        for given in entry:
            check_known(f"{key}.{given}", given, keys)
        for needed in keys:
            if needed not in entry:
                raise SettingsError("is missing", "give it, as a text", key=f"{key}.{needed}")
            if not isinstance(entry[needed], str):  # not shown: it may be a PIN
                raise SettingsError("is no text", "write it in quotes", key=f"{key}.{needed}")
        found.append(read(key, entry))
    return tuple(found)


def _tool(key: str, entry: Mapping[str, str]) -> ToolKind:
    pattern, kind = entry["tool"], entry["kind"]
    if not _PATTERN.fullmatch(pattern):
        raise SettingsError(
            "is no name of a tool",
            'write a name, or a pattern such as "delete_*"',
            key=f"{key}.tool",
            value=pattern,
        )
    for known in KINDS:
        if kind == known:
            return ToolKind(pattern, known)
    words = ", ".join(f'"{word}"' for word in KINDS)
    raise SettingsError("is not known", f"give one of {words}", key=f"{key}.kind", value=kind)


def _pin(key: str, entry: Mapping[str, str]) -> tuple[str, PinHash]:
    try:
        return entry["principal"], PinHash.parse(entry["hash"])
    except ValueError as exc:
        remedy = "make one with: toolcell approvals hash-pin"
        raise SettingsError(str(exc), remedy, key=f"{key}.hash") from None


def _once(pins: tuple[tuple[str, PinHash], ...]) -> dict[str, PinHash]:
    found = dict(pins)
    if len(found) != len(pins):
        raise SettingsError("names a principal twice", "remove one", key="approval.pins")
    return found
