"""
What a model can do about an ending that neither the tool nor a limit caused.  Pure.
"""

from __future__ import annotations

from typing import Final

from toolcell.v1 import execution_pb2 as pb

CANCELLED_HINTS: Final = {
    pb.CANCEL_REASON_REQUESTED: "Call again only if the result is still wanted.",
    pb.CANCEL_REASON_STREAM_LOST: (
        "Nobody was reading any more; call again, detached if the answer can be fetched later."
    ),
    pb.CANCEL_REASON_DRAINED: "The service is restarting; call again in a moment.",
}
MAY_WORK_LATER: Final = "The service failed, not the tool; it may work later."
NOT_ENCLOSED: Final = (
    "The service cannot enclose this tool here; use another tool and tell the operator."
)
