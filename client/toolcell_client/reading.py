"""
What the two kinds of stream have in common: what is known of one execution.  No network.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from toolcell_client.errors import ToolcellError
from toolcell_client.folding import Folding
from toolcell_client.recovery import Recovery

if TYPE_CHECKING:
    from toolcell.v1 import execution_pb2 as pb

    from toolcell_client.deadline import Deadline
    from toolcell_client.result import Result


class Reading:
    """
    The state of a stream.  With a `request` it owns the execution, unless that is detached.
    """

    def __init__(
        self,
        deadline: Deadline,
        attempts: int,
        request: pb.ExecuteRequest | None,
        execution_id: str,
        after_sequence: int,
    ) -> None:
        self._deadline = deadline
        self._request = request
        self._folding = Folding()
        self._recovery = Recovery(attempts, execution_id=execution_id, last_sequence=after_sequence)
        self._broken: ToolcellError | None = None
        self._cancel_wanted = False
        self._over = False

    def __repr__(self) -> str:
        state = "over" if self._over else f"after event {self._recovery.last_sequence}"
        return f"<{type(self).__name__} {self.execution_id or 'not accepted yet'}: {state}>"

    @property
    def execution_id(self) -> str:
        """
        The execution.  Empty until its first event has been read.
        """
        return self._recovery.execution_id

    @property
    def request_id(self) -> str:
        """
        The `request_id` that was sent.  Empty: none was.
        """
        return self._request.request_id if self._request else ""

    def _owned(self) -> pb.ExecuteRequest | None:
        """
        The request whose execution ends with this stream; None if it goes on.
        """
        return None if self._request is None or self._request.detached else self._request

    def _take_failure(self) -> None:
        """
        Raises:
            ToolcellError: another RPC of the same call met it; see `resume`.
        """
        if (error := self._broken) is not None:
            self._broken = None
            raise error

    def _ended(self) -> Result:
        if self._folding.result is None:
            raise self._broken or ToolcellError("the stream was closed before its end")
        return self._folding.result

    def __del__(self) -> None:
        if not getattr(self, "_over", True) and self._owned():
            warnings.warn(
                f"{self!r} was dropped before its end: close it, or use it in a with statement",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )
