"""
The section `[audit]`: where the audit log is kept, how durably, and what happens if it cannot be.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from toolcell_server.audit.signing import BadKey, Signer
from toolcell_server.settings import checks
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.names import check_known

ON_FAILURE: Final = ("refuse", "continue")
ON_BROKEN: Final = ("refuse", "new_log")
FSYNC: Final = ("always", "interval", "never")
_DAY: Final = 24 * 3600
_WHOLE: Final = {
    "checkpoint_records": (1, 1_000_000),
    "rotate_bytes": (64 * 1024, 2**34),
    "keep_files": (0, 1_000_000),
    "content_bytes": (256, 64 * 1024),
}
_NUMBERS: Final = {
    "fsync_seconds": (0.01, 3600),
    "checkpoint_seconds": (0.1, _DAY),
    "rotate_seconds": (60, 366 * _DAY),
    "keep_days": (0, 3660),
}
_KEY_REMEDY: Final = 'write key = {file = "/etc/toolcell/audit.pem"} or key = {env = "NAME"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """
    `folder` empty: `audit` in the `state_dir`; without one there is no log.  `key` signs the
    checkpoints, the latest of which is also put into `checkpoint_file`.  `keep_files` and
    `keep_days` 0: nothing is deleted.  Seconds, bytes, counts, days.

    Raises:
        SettingsError: one of the values cannot be used; the key is in no text.
    """

    enabled: bool = True
    folder: str = ""
    on_failure: str = "refuse"
    on_broken: str = "refuse"
    fsync: str = "interval"
    fsync_seconds: float = 1.0
    key: Signer | None = None
    checkpoint_file: str = ""
    checkpoint_records: int = 1000
    checkpoint_seconds: float = 60.0
    rotate_bytes: int = 64 * 2**20
    rotate_seconds: float = _DAY
    keep_files: int = 0
    keep_days: float = 0.0
    content: bool = False
    content_bytes: int = 8192

    def __post_init__(self) -> None:
        for name in ("enabled", "content"):
            checks.switch(f"audit.{name}", getattr(self, name))
        for name, words in (("on_failure", ON_FAILURE), ("on_broken", ON_BROKEN), ("fsync", FSYNC)):
            checks.one_of(f"audit.{name}", getattr(self, name), words)
        for name, (lowest, highest) in _WHOLE.items():
            checks.number(f"audit.{name}", getattr(self, name), lowest, highest, whole=True)
        for name, (low, high) in _NUMBERS.items():
            checks.number(f"audit.{name}", getattr(self, name), low, high, whole=False)
        for name in ("folder", "checkpoint_file"):
            checks.text(f"audit.{name}", getattr(self, name))
            if getattr(self, name):
                _check_place(f"audit.{name}", getattr(self, name))
        if self.checkpoint_file and Path(self.checkpoint_file).is_dir():
            raise SettingsError("is a directory", "name a file in it", key="audit.checkpoint_file")

    @classmethod
    def build(cls, section: Mapping[str, Any]) -> Self:
        """
        From the values of the settings.
        """
        known = {field.name for field in fields(cls)}
        given = {name: value for name, value in section.items() if name in known}
        key = _signer(given.pop("key")) if "key" in given else None
        return cls(key=key, **given)

    def check_kept(self, section: Mapping[str, Any], state_dir: str) -> None:
        """
        Whoever says how a log is kept wants one.

        Raises:
            SettingsError: there is no place for it.
        """
        if section and self.enabled and not self.place(state_dir):
            remedy = "set state_dir or audit.folder, or audit.enabled = false"
            raise SettingsError("says of a log that has no place", remedy, key="audit")

    def own(self, state_dir: str) -> tuple[str, ...]:
        """
        The paths that no tool may ever be granted: what proves and what is proved.
        """
        key = self.key.file if self.key else ""
        places = (state_dir, self.place(state_dir), self.checkpoint_file, key)
        named = [path for path in places if path]
        return (*named, *map(os.path.realpath, named))

    def place(self, state_dir: str) -> str:
        """
        The folder of the log; empty: none is kept.
        """
        if not self.enabled:
            return ""
        return self.folder or (str(Path(state_dir, "audit")) if state_dir else "")


def _check_place(key: str, value: str) -> None:
    """
    A path whose folder exists.
    """
    if not os.path.isabs(value) or "\0" in value:  # noqa: PTH117  # may be no path at all
        raise SettingsError("is not an absolute path", "begin it with /", key=key, value=value)
    checks.directory(key, str(Path(value).parent))


def _signer(value: Any) -> Signer:
    key = "audit.key"
    if not isinstance(value, Mapping) or len(value) != 1:
        raise SettingsError("names no key", _KEY_REMEDY, key=key)
    ((kind, where),) = value.items()
    check_known(f"{key}.{kind}", kind, ("file", "env"))
    checks.text(f"{key}.{kind}", where)
    try:
        signer = Signer.from_pem(_text(kind, where))
    except BadKey as exc:
        remedy = "name a file that `toolcell audit keygen` made"
        raise SettingsError(str(exc), remedy, key=f"{key}.{kind}", value=where) from None
    signer.file = str(Path(where).absolute()) if kind == "file" else ""
    return signer


def _text(kind: str, where: str) -> bytes:
    key = f"audit.key.{kind}"
    if kind == "env":
        if not os.environ.get(where):
            raise SettingsError("is not set", "set that variable", key=key, value=where)
        return os.environ[where].encode()
    try:
        return Path(where).read_bytes()
    except (OSError, ValueError) as exc:
        what = f"cannot be read: {getattr(exc, 'strerror', exc)}"
        raise SettingsError(what, "name a file in PEM", key=key, value=where) from None
