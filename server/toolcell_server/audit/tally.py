"""
Many of the same are one record: the first at once, the others of its second counted.

Theory of operation.  A refusal costs a caller nothing, so a hostile one could fill the disk with
them.  Of each key (who, why, how) the first is told whole, and what follows within `SECONDS` is one
more record, with the number and the last of them.  Keys hold names that callers cannot make up
freely, but for that of a method; still there are at most `KEYS` of them at a time, and the rest is
counted together, each kind by itself.  So at most 2 * `KEYS` records, and one for each kind, come
out of a second, whatever comes in.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

_log = logging.getLogger(__name__)
SECONDS: Final = 1.0
KEYS: Final = 256
_REST: Final = ("the rest",)


class Tally:
    """
    Tells `told` of what is new, and of how many were like it.  Lives on one event loop.
    """

    def __init__(self, told: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._told = told
        self._counted: dict[
            tuple[str, Hashable], tuple[int, str, Callable[[], dict[str, Any]]]
        ] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, kind: str, key: Hashable, make: Callable[[], dict[str, Any]]) -> None:
        """
        Count one.  `make` gives the data of its record, if there is to be one.
        """
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SECONDS, self.close)
        full = len(self._counted) >= KEYS
        rest = full and (kind, key) not in self._counted
        at = (kind, _REST if rest else key)
        known = self._counted.get(at)
        if known is None and not rest:
            self._tell(kind, {"count": 1}, make)
            self._counted[at] = 0, kind, make
        else:
            self._counted[at] = (known[0] if known else 0) + 1, kind, make

    def close(self) -> None:
        """
        Tell what was counted, and begin anew.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counted, self._counted = self._counted, {}
        for at, (count, kind, make) in counted.items():
            if count:
                mixed = {"mixed": True} if at[1] is _REST else {}
                self._tell(kind, {"count": count, **mixed}, make)

    def _tell(self, kind: str, count: dict[str, Any], make: Callable[[], dict[str, Any]]) -> None:
        """
        Whoever is being refused must be, whether or not it can be told.
        """
        try:
            self._told(kind, {**count, **make()})
        except Exception:  # noqa: BLE001  # as above
            _log.exception("a record of the audit log could not be made")
