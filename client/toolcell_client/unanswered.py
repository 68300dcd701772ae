"""
Errors of a call that was not answered as the contract says; and the base of every error.
"""

from __future__ import annotations


class ToolcellError(Exception):
    """
    Raised when a call did not go as asked.  The base of all that follows.
    """


class ServerUnreachable(ToolcellError):  # noqa: N818  # names what happened
    """
    Raised when no server answers at `target`.  Nothing was sent; nothing ran.
    """

    def __init__(self, message: str, target: str = "") -> None:
        super().__init__(message, target)
        self.message = message
        self.target = target

    def __str__(self) -> str:
        return self.message


class ConnectionLost(ServerUnreachable):
    """
    Raised when the connection broke after the call was sent, and could not be taken up again.

    With an `execution_id` the call was accepted: `watch(execution_id)` may still find its end.
    Without one, whether the tool ran is not known.
    """

    def __init__(self, message: str, target: str = "", execution_id: str = "") -> None:
        super().__init__(message, target)
        self.args = (message, target, execution_id)
        self.execution_id = execution_id


class CallTimedOut(ToolcellError, TimeoutError):  # noqa: N818  # names what happened
    """
    Raised when the server did not answer in time.  The execution, if there is one, is cancelled.
    """


class ContractBroken(ToolcellError):  # noqa: N818  # names what happened
    """
    Raised when the server sends what the contract forbids.  Please report it.
    """


class ResultLeftOut(ToolcellError):  # noqa: N818  # names what happened
    """
    Raised when the value is asked for of a call that completed before the server was restarted,
    with a result too large to be kept over that.  The work is done; the result is gone.
    """
