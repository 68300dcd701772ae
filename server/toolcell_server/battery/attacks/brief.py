"""
Short limits, and the plan of hostile code that tries to stay longer than they allow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

MEBIBYTE: Final = 2**20
# For what ends by itself, or by another limit than time.
SMALL: Final = {"wall_seconds": 10.0, "memory_bytes": 64 * MEBIBYTE, "processes": 8}
# For what is to be ended by the clock, or by the processor time that it used.
BRIEF: Final = {**SMALL, "wall_seconds": 0.7, "cpu_seconds": 0.4}
# For what uses no processor time, and the clock alone must end: on a slow host, the little that a
# cell uses before its tool begins is much.
BRIEF_REST: Final = {**SMALL, "wall_seconds": 0.7}
SECONDS: Final = 1.6  # more than twice the wall limit


def brief(ground: Ground, **further: Any) -> dict[str, Any]:
    """
    What every hostile function here is told: its name, and how long it wants to stay.
    """
    return {"marker": ground.marker, "seconds": SECONDS, **further}
