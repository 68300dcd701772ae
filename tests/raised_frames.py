"""
What a tool's process says of an exception: the names in a RAISED frame.
"""

from __future__ import annotations

RAISED_KEYS = (
    "exception",
    "message",
    "code",
    "category",
    "retryable",
    "hint",
    "spoken",
    "traceback",
    "exit_code",
    "signal",
    "limit",
    "denials",
)
