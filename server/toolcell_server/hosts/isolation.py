"""
What encloses a hosted tool: nothing of ours.  Pure.
"""

from __future__ import annotations

from typing import Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.isolation import ALL_WALLS, Isolation

REASON: Final = "the tool is hosted: it runs at a client, outside every cell"
REMEDY: Final = "call a tool that runs in a cell"

OUTSIDE: Final = Isolation(
    tuple(
        pb.WallReport(wall=wall, status=pb.WALL_STATUS_ABSENT, reason=REASON, remedy=REMEDY)
        for wall in ALL_WALLS
    )
)
