"""
Checks what was made of a foreign document or server, tool by tool, each in its turn: a hostile one
takes the processor for long, and must not take it from everybody (`turns.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.registering.added import Made, checked
from toolcell_server.registering.offered import Offers, Skipped
from toolcell_server.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from toolcell_server.registering.turns import Turns


async def offers(
    made: Iterable[Made], skipped: Iterable[Skipped], turns: Turns, whose: str
) -> Offers:
    """
    What can be a tool, and what else cannot.
    """
    offered, left_out = [], list(skipped)
    for each in made:
        async with turns.of(whose):
            found = await in_thread(checked, each)
        if isinstance(found, Skipped):
            left_out.append(found)
        else:
            offered.append(found)
    return Offers(offered, left_out)
