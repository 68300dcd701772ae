"""
Whether the database can be used, as seen by one who uses it: of each operation every failure is
counted, the first is logged, and so is the recovery.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class StoreHealth:
    """
    `count` is called with the operation that failed; `consequence` says what the operator loses.
    """

    def __init__(self, count: Callable[[str], object], consequence: str) -> None:
        self.failing: set[str] = set()
        self._count = count
        self._consequence = consequence

    def fails(self, operation: str, error: Exception) -> None:
        self._count(operation)
        if operation not in self.failing:
            self.failing.add(operation)
            fields = {"operation": operation, "error": str(error)}
            _log.error("the database fails: %s", self._consequence, extra={"fields": fields})

    def works(self, operation: str) -> None:
        if operation in self.failing:
            self.failing.remove(operation)
            _log.warning("the database works again", extra={"fields": {"operation": operation}})
