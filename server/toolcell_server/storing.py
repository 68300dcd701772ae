"""
A database that fails becomes a refusal.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from toolcell_server import database
from toolcell_server.refusals import StoreFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def storing(purpose: str) -> Iterator[None]:
    """
    Raises:
        StoreFailed: the database cannot be used to do what the purpose says.
    """
    try:
        yield
    except database.StoreFailed as exc:
        fields = {"error": str(exc), "purpose": purpose}
        _log.error("the database fails: calls are refused", extra={"fields": fields})
        raise StoreFailed(purpose) from exc
