"""
Refusals that depend on what the server is doing, not on what was asked.
"""

from __future__ import annotations

from typing import Final

from toolcell_server.refusals.base import CallRefused, shown

_CAUSES: Final = {
    "queue": "the server is at capacity and its queue is full",
    "queue_seconds": "the server is at capacity and its queue would take too long",
    "deadline": "the server is at capacity and could not finish this call before its deadline",
    "hosts": "every host of the tool is busy, and no further call may wait for one",
}


class NoCapacity(CallRefused):
    """
    Raised when every place is taken, and the call cannot wait for one.  `cause` is a key of the
    messages above: why it cannot.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "I am too busy right now."
    causes = tuple(_CAUSES)

    def __init__(self, retry_delay_seconds: float, cause: str = "queue") -> None:
        super().__init__(
            _CAUSES[cause],
            f"try again in {retry_delay_seconds:g} seconds",
            metadata={"cause": cause},
            retry_delay_seconds=retry_delay_seconds,
        )


class Draining(CallRefused):
    """
    Raised when a call comes while the server is ending.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "I am restarting; try again in a moment."

    def __init__(self, retry_delay_seconds: float = 1.0) -> None:
        super().__init__(
            "the server is draining and takes no new calls",
            f"try again in {retry_delay_seconds:g} seconds, on another server if there is one",
            retry_delay_seconds=retry_delay_seconds,
        )


class KeeperDown(CallRefused):
    """
    Raised when the process that opens granted paths does not answer.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "Something went wrong on our side; try again in a moment."

    def __init__(self, retry_delay_seconds: float = 1.0) -> None:
        super().__init__(
            "the keeper, which opens the paths of a call, is not there",
            f"try again in {retry_delay_seconds:g} seconds; nothing ran",
            retry_delay_seconds=retry_delay_seconds,
        )


class StoreFailed(CallRefused):
    """
    Raised when the database of the server cannot be read or written, and the call counts on it.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "Something went wrong on our side; try again in a moment."

    def __init__(self, purpose: str, retry_delay_seconds: float = 1.0) -> None:
        super().__init__(
            f"the server's database cannot be used to {purpose}",
            f"try again in {retry_delay_seconds:g} seconds; nothing ran, and the server's log has "
            "the cause",
            retry_delay_seconds=retry_delay_seconds,
        )


class UnknownExecution(CallRefused):
    """
    Raised when no execution of that id is kept.
    """

    code = "NOT_FOUND"

    def __init__(self, execution_id: str) -> None:
        super().__init__(
            f"no execution {shown(execution_id)} is kept",
            "check the id; finished executions are kept only for a while",
            metadata={"execution_id": execution_id},
        )


class EventsExpired(CallRefused):
    """
    Raised when the events asked for are no longer kept; `earliest_sequence` is the first that is.
    """

    code = "OUT_OF_RANGE"

    def __init__(self, execution_id: str, earliest_sequence: int) -> None:
        super().__init__(
            f"events before {earliest_sequence} of execution {shown(execution_id)} are gone",
            f"watch again with after_sequence {max(earliest_sequence - 1, 0)}",
            metadata={
                "execution_id": execution_id,
                "earliest_sequence": str(earliest_sequence),
            },
        )


class RequestIdReused(CallRefused):
    """
    Raised when a `request_id` comes again with a call that asks for something else.
    """

    def __init__(self, request_id: str) -> None:
        description = "belongs to an earlier call that asked for something else"
        super().__init__(
            f"request_id {shown(request_id)} {description}",
            "use a new request_id for each new call",
            metadata={"field": "request_id"},
            violations=[("request_id", description)],
        )
