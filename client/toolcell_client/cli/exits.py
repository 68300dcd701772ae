"""
Exit codes.  Stable: scripts rely on them.
"""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """
    What the command's exit code says.
    """

    OK = 0
    TOOL_FAILED = 1  # it ran, and did not complete
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4  # nothing ran
    INTERNAL = 70  # a fault of ours, as sysexits(3)
    TIMED_OUT = 124  # as timeout(1)
    INTERRUPTED = 130  # 128 + SIGINT, after the execution was cancelled
    TERMINATED = 143  # 128 + SIGTERM, likewise
    PIPE_CLOSED = 141  # 128 + SIGPIPE: nobody reads our output any more


class UsageError(Exception):
    """
    Raised when the command line cannot be acted upon; the message says how to correct it.
    """


class Terminated(BaseException):
    """
    Raised by SIGTERM, like KeyboardInterrupt by SIGINT, so that streams cancel their executions.
    """
