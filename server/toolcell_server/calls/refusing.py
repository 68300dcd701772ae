"""
What a caller is told when a call fails before it runs, and what is recorded of that.
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

from toolcell_server import principal, status
from toolcell_server.refusals import CallRefused

if TYPE_CHECKING:
    from google.rpc.status_pb2 import Status

    from toolcell_server.audit.auditing import Auditing

_log = logging.getLogger(__name__)


class Refusing:
    """
    Turns an error into the status that a caller may see: a refusal into its own, anything else into
    INTERNAL with an id, under which the log has the traceback.
    """

    def __init__(self, auditing: Auditing | None = None) -> None:
        self._auditing = auditing

    def status(self, error: Exception, method: str, request: object) -> Status:
        """
        The status, once the error has been recorded.
        """
        if isinstance(error, CallRefused):
            if self._auditing:
                self._auditing.refused(error, method, request)
            return status.to_status(error)
        error_id = uuid.uuid4().hex
        _log.error("error %s in %s", error_id, method, exc_info=error)
        if self._auditing:
            self._auditing.failed(error_id, method, principal.current(), request)
        return status.internal(error_id)
