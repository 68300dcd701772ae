"""
The section `[sessions]`: workspaces that persist across calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_worker.wire.workspace import WORKSPACE

from toolcell_server.paths import lies_in
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.policy import Policy

_MEBIBYTE: Final = 2**20
_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR
_SECONDS: Final = ("lifetime_seconds", "idle_seconds")
_COUNTS: Final = {
    "bytes": (64 * 1024, 1024 * 1024 * _MEBIBYTE),
    "files": (16, 100_000),
}
_PAIRS: Final = (*_SECONDS, *_COUNTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsSettings:
    """
    What a session gets that asks for nothing, and at most (`maximum_…`): how long it lasts at all
    (`lifetime_seconds`) and unused (`idle_seconds`), and how many `bytes` and `files` its workspace
    may hold.  A principal has at most `per_principal` sessions, the server `maximum`.  Nothing is
    written while less than `minimum_free_bytes` of the disk are free.  Of interpreters that keep
    their state there are at most so many, and none is kept longer unused.

    Raises:
        SettingsError: one of the values cannot be used.
    """

    enabled: bool = False
    lifetime_seconds: float = _DAY
    maximum_lifetime_seconds: float = 7 * _DAY
    idle_seconds: float = _HOUR
    maximum_idle_seconds: float = _DAY
    bytes: int = 256 * _MEBIBYTE
    maximum_bytes: int = 1024 * _MEBIBYTE
    files: int = 4096
    maximum_files: int = 16_384
    per_principal: int = 16
    maximum: int = 256
    minimum_free_bytes: int = 512 * _MEBIBYTE
    interpreters: int = 16
    interpreters_per_principal: int = 4
    interpreter_idle_seconds: float = 600.0

    def __post_init__(self) -> None:
        checks.switch("sessions.enabled", self.enabled)
        ceilings = (f"maximum_{each}" for each in _SECONDS)
        for name in (*_SECONDS, *ceilings, "interpreter_idle_seconds"):
            checks.number(f"sessions.{name}", getattr(self, name), 0.1, 365 * _DAY, whole=False)
        for name, (lowest, highest) in _COUNTS.items():
            for key in (name, f"maximum_{name}"):
                checks.number(f"sessions.{key}", getattr(self, key), lowest, highest, whole=True)
        for name in ("per_principal", "maximum", "interpreters", "interpreters_per_principal"):
            checks.number(f"sessions.{name}", getattr(self, name), 1, 100_000, whole=True)
        checks.number("sessions.minimum_free_bytes", self.minimum_free_bytes, 0, 2**60, whole=True)
        for name in _PAIRS:
            default, ceiling = getattr(self, name), getattr(self, f"maximum_{name}")
            if default > ceiling:
                what = f"is above sessions.maximum_{name} = {ceiling}"
                remedy = f"lower it, or raise sessions.maximum_{name}"
                raise SettingsError(what, remedy, key=f"sessions.{name}", value=default)

    @classmethod
    def build(cls, section: Mapping[str, Any], policy: Policy) -> Self:
        """
        From the values of the settings.  Who lowers a ceiling need not lower the default.
        """
        given = dict(section)
        for name in _PAIRS:
            ceiling = given.get(f"maximum_{name}")
            if name not in given and isinstance(ceiling, int | float):
                given[name] = min(getattr(cls(), name), ceiling)
        made = cls(**given)
        if made.enabled:
            _check_place(policy)
        return made


def _check_place(policy: Policy) -> None:
    """
    The workspace must have its place in cells to itself.
    """
    for index, root in enumerate(policy.roots):
        if lies_in(root.path, WORKSPACE):
            what = f"lies in {WORKSPACE}, where calls find the workspace of their session"
            remedy = "name another folder, or set sessions.enabled = false"
            raise SettingsError(what, remedy, key=f"policy.roots[{index}].path", value=root.path)
