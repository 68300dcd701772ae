"""
The bundles of tools that the settings name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from toolcell_server.carried import REGISTERED
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

BUILTIN: Final = "builtin"
_OURS: Final = (BUILTIN, REGISTERED)
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_PACKAGE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_SHORTEST_LOOK: Final = 0.05
_LONGEST_LOOK: Final = 3600
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleSettings:
    """
    A trust group of tools: a directory, an installed package, or the entry points `toolcell.tools`
    of installed packages, with an interpreter of its own if `python` names one.  Each gets a
    zygote of its own.

    `entry_points` are the names of those that may be imported, true for all; `distributions`
    narrows them to those of these distributions.  `reload_seconds` is how often a directory is
    looked at for changes; 0: never.

    Raises:
        SettingsError: one of its values cannot be used.
    """

    name: str
    path: str = ""
    package: str = ""
    entry_points: bool | tuple[str, ...] = False
    distributions: tuple[str, ...] = ()
    python: str = ""
    reload_seconds: float = 0.0
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._check_name()
        self._check_place()
        if self.python != "":
            checks.program(f"bundles.{self.name}.python", self.python)
        self._check_reload()
        self._check_env()

    @property
    def allowed(self) -> dict[str, tuple[str, ...]] | None:
        """
        Which entry points may be imported, as a zygote is told; nothing if it is no such bundle.
        """
        if self.entry_points is False and not self.distributions:
            return None
        names = self.entry_points if isinstance(self.entry_points, tuple) else ()
        return {"names": names, "distributions": self.distributions}

    def _check_name(self) -> None:
        checks.text("bundles.name", self.name)
        if not _NAME.fullmatch(self.name) or self.name in _OURS:
            raise SettingsError(
                "is no name for a bundle",
                f"use a-z, 0-9, _ and -, at most 32, a letter first, and not {' or '.join(_OURS)}",
                key="bundles.name",
                value=self.name,
            )

    def _check_place(self) -> None:
        key = f"bundles.{self.name}"
        self._check_entry_points()
        places = (self.path != "", self.package != "", self.allowed is not None)
        if sum(places) != 1:
            raise SettingsError(
                "needs either a path or a package or entry_points", "give one of the three", key=key
            )
        if self.path != "":
            checks.directory(f"{key}.path", self.path)
            return
        checks.text(f"{key}.package", self.package)
        if self.package != "" and not _PACKAGE.fullmatch(self.package):
            raise SettingsError(
                "is no name of a package",
                "write it as in an import, my_tools.files",
                key=f"{key}.package",
                value=self.package,
            )

    def _check_entry_points(self) -> None:
        """
        Lists of a file become tuples: settings are frozen.
        """
        for name in ("entry_points", "distributions"):
            value = getattr(self, name)
            if name == "entry_points" and isinstance(value, bool):
                continue
            if not (
                isinstance(value, list | tuple) and all(isinstance(o, str) and o for o in value)
            ) or (name == "entry_points" and not value):
                remedy = 'give names, as in ["search"]'
                raise SettingsError(
                    "is no list of names",
                    f"{remedy}, or true" if name == "entry_points" else remedy,
                    key=f"bundles.{self.name}.{name}",
                    value=value,
                )
            object.__setattr__(self, name, tuple(value))

    def _check_reload(self) -> None:
        key = f"bundles.{self.name}.reload_seconds"
        checks.number(key, self.reload_seconds, 0, _LONGEST_LOOK, whole=False)
        if self.reload_seconds and not self.path:
            raise SettingsError(
                "is for a bundle with a path", "reload this one by `toolcell tools reload`", key=key
            )
        if 0 < self.reload_seconds < _SHORTEST_LOOK:
            raise SettingsError(
                "is too often",
                f"give {_SHORTEST_LOOK:g} or more, or 0 for never",
                key=key,
                value=self.reload_seconds,
            )

    def _check_env(self) -> None:
        key = f"bundles.{self.name}.env"
        if not isinstance(self.env, Mapping):
            raise SettingsError(
                "is no table", 'write it as { NAME = "value" }', key=key, value=self.env
            )
        for name, value in self.env.items():
            checks.text(f"{key}.{name}", value)
            if not _VARIABLE.fullmatch(name) or "\0" in value:
                raise SettingsError(
                    "is no environment variable",
                    "use letters, digits and _ in its name, and no NUL in its value",
                    key=f"{key}.{name}",
                    value=value,
                )


def build(entries: Any) -> tuple[BundleSettings, ...]:
    """
    The bundles of the list `[[bundles]]`.

    Raises:
        SettingsError: one cannot be used, or two have one name.
    """
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SettingsError(
            "is no list of tables", "write each as [[bundles]]", key="bundles", value=entries
        )
    bundles = tuple(_one(index, entry) for index, entry in enumerate(entries))
    names = [bundle.name for bundle in bundles]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(
                "is the name of two bundles", "rename one", key="bundles.name", value=name
            )
    return bundles


def _one(index: int, entry: dict[str, Any]) -> BundleSettings:
    key = f"bundles[{index}]"
    for name in entry:
        check_known(f"{key}.{name}", name, BundleSettings.__slots__)
    if "name" not in entry:
        raise SettingsError("has no name", 'give it one, as in name = "mine"', key=key)
    return BundleSettings(**entry)
