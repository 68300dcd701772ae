"""
The section `[arguments]`, the list `[[screens]]` and the section `[results]`: what is done about
hostile arguments and results of all tools, besides what each asks for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.arguments.places import Place
from toolcell_server.screens import KINDS
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTIONS: Final = ("report", "refuse")
RESULT_KINDS: Final = ("html", "control")
RESULT_ACTIONS: Final = ("report", "strip", "refuse")  # each stricter than the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentSettings:
    """
    `fill_defaults` and `drop_nulls` do for every tool what a manifest may ask for one;
    `screen_action = "refuse"` makes every screen refuse, whatever it was declared to do.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    fill_defaults: bool = False
    drop_nulls: bool = False
    screen_action: str = ""

    def __post_init__(self) -> None:
        checks.switch("arguments.fill_defaults", self.fill_defaults)
        checks.switch("arguments.drop_nulls", self.drop_nulls)
        checks.one_of("arguments.screen_action", self.screen_action, ("", "refuse"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenSettings:
    """
    One of `[[screens]]`: texts at a place in the arguments of a tool (`*`: of every tool).

    Raises:
        SettingsError: something of it cannot be used.
    """

    at: str
    kinds: tuple[str, ...]
    tool: str = "*"
    action: str = "refuse"

    @classmethod
    def parse(cls, index: int, entry: Mapping[str, Any]) -> Self:
        """
        From one table.
        """
        key = f"screens[{index}]"
        for name in entry:
            check_known(f"{key}.{name}", name, cls.__slots__)
        for name in ("at", "kinds"):
            if name not in entry:
                remedy = 'write at = "/query" and kinds = ["sql"]'
                raise SettingsError("is missing", remedy, key=f"{key}.{name}")
        for name in ("at", "tool"):
            checks.text(f"{key}.{name}", entry.get(name, ""))
        try:
            Place.parse(entry["at"])
        except ValueError as exc:
            raise SettingsError(str(exc), "correct it", key=f"{key}.at") from None
        checks.one_of(f"{key}.action", entry.get("action", "refuse"), ACTIONS)
        kinds = words(f"{key}.kinds", entry["kinds"], tuple(KINDS))
        if not kinds:
            raise SettingsError("names no kind", "name one", key=f"{key}.kinds")
        return cls(**{**entry, "kinds": kinds})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSettings:
    """
    The section `[results]`: what every result is screened for, and what happens then.  Where a tool
    asks for another action, the stricter one is taken.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    screens: tuple[str, ...] = ()
    action: str = "report"

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        action = section.get("action", "report")
        checks.one_of("results.action", action, RESULT_ACTIONS)
        screens = words("results.screens", section.get("screens", []), RESULT_KINDS)
        return cls(screens=screens, action=action)


def build_screens(entries: Any) -> tuple[ScreenSettings, ...]:
    """
    The screens of the list `[[screens]]`.

    Raises:
        SettingsError: one cannot be used.
    """
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SettingsError(
            "is no list of tables", "write each as [[screens]]", key="screens", value=entries
        )
    return tuple(ScreenSettings.parse(index, entry) for index, entry in enumerate(entries))


def words(key: str, value: Any, known: tuple[str, ...]) -> tuple[str, ...]:
    """
    A list of some known words, each once.

    Raises:
        SettingsError: it is none.
    """
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise SettingsError("is no list of texts", 'write it as ["…"]', key=key, value=value)
    for word in value:
        checks.one_of(key, word, known)
    return tuple(dict.fromkeys(value))
