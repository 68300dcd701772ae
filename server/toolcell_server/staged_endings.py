"""
How executions end whose staged files are not in place, or may not be.
"""

from __future__ import annotations

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import endings


def not_committed(path: str, why: str) -> pb.Outcome:
    """
    The tool completed, but its staged file was not put in place: then it did not complete.
    """
    outcome = endings.lost(pb.LOST_REASON_NOT_COMMITTED, f"{path} was not put in place: {why}")
    outcome.hint = "The file is unchanged; look at it again, and repeat the call if still needed."
    return outcome


def outcome_unknown(path: str) -> pb.Outcome:
    """
    The tool completed, and whoever was to put its staged file in place died over it.
    """
    message = f"the keeper died while it put {path} in place: it is the old file or the new one"
    outcome = endings.lost(pb.LOST_REASON_OUTCOME_UNKNOWN, message)
    outcome.category, outcome.retryable = pb.ERROR_CATEGORY_UNKNOWN, False
    outcome.hint = "Look at the file before you repeat the call: it may be written already."
    return outcome


def preview_differs(path: str) -> pb.Outcome:
    """
    The tool completed, but what it staged is not what was shown to whoever approved it.
    """
    message = f"{path} was not put in place: it would not become what the approved preview showed"
    outcome = endings.failed("PreviewDiffers", message, 0)
    outcome.category = pb.ERROR_CATEGORY_USER
    outcome.hint = "Nothing was changed; ask for a new approval."
    return outcome


def left_no_file(path: str) -> pb.Outcome:
    """
    The tool returned, but where its file is staged there is something else: its own fault.
    """
    outcome = endings.failed("StagedFileInvalid", f"what the tool left at {path} is no file", 0)
    outcome.category = pb.ERROR_CATEGORY_PERMANENT
    outcome.hint = "The file is unchanged; write an ordinary file there."
    return outcome
