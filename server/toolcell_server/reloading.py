"""
What is made of secrets and files, and made anew when one of them changes: no restart, no signal.

Theory of operation.  Whoever needs the value asks for it (`current`); at most once a second that
looks at the versions of its sources.  Nothing runs in between, so there is no task to end.  What
cannot be read or used any more keeps the last good value: a half-written file must not lock
everybody out, nor let anybody in.  That is said once in the log, shown by a metric as long as it
lasts, and tried again at each look.  At start there is no last good value: an error.

The versions are read before the contents: what changes in between is found at the next look.

`current` may be called from any thread: gRPC asks for certificates from one of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from toolcell_server.secret_sources import PROVIDERS, SecretUnavailable
from toolcell_server.settings.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from toolcell_server.secret_sources import Provider, Reference

LOOK_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)
_Made = TypeVar("_Made")


class Reloaded(Generic[_Made]):
    """
    One value that is made of what these references name, in their order, by `make`.

    `make` raises ValueError for what cannot be used; its text must not hold a secret.  `failing` is
    told whether the value is older than its sources.

    Raises:
        SecretUnavailable: at start; a source cannot be read.
        ValueError: at start; what was read cannot be used.
    """

    def __init__(
        self,
        what: str,
        references: Sequence[Reference],
        make: Callable[..., _Made],
        *,
        failing: Callable[[bool], None] = lambda _: None,
        providers: Mapping[str, Provider] = PROVIDERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._sources = [(providers[each.scheme], each.name) for each in references]
        self._make = make
        self._failing = failing
        self._clock = clock
        self._lock = threading.Lock()
        self._complaint = ""
        self._versions: list[Hashable] = self._seen()
        self._value = self._made()
        self._next = clock() + LOOK_SECONDS
        failing(False)

    def current(self) -> _Made:
        """
        The value as its sources have it, or had it when they were last good.
        """
        if self._clock() >= self._next:
            with self._lock:
                self._look()
        return self._value

    def _look(self) -> None:
        now = self._clock()
        if now < self._next:  # another thread has looked
            return
        self._next = now + LOOK_SECONDS
        try:
            versions = self._seen()
            if versions == self._versions and not self._complaint:
                return
            self._versions = versions
            self._value = self._made()
        except (SecretUnavailable, SettingsError, ValueError) as exc:
            self._complain(str(exc))
        except Exception as exc:  # noqa: BLE001  # a parser's surprise must not fail each call
            self._complain(type(exc).__name__)
        else:
            self._complaint = ""
            self._failing(False)
            _log.info("reloaded %s", self._what)

    def _seen(self) -> list[Hashable]:
        return [provider.version(name) for provider, name in self._sources]

    def _made(self) -> _Made:
        return self._make(*(provider.read(name).reveal() for provider, name in self._sources))

    def _complain(self, reason: str) -> None:
        if reason != self._complaint:
            fields = {"reason": reason}
            _log.error("kept the last good %s", self._what, extra={"fields": fields})
        self._complaint = reason
        self._failing(True)
