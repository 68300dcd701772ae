"""
A whole server with tools that a model may call: some fail, some stay, some want a yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from approval_place import Place
from approving import metadata
from toolcell_client import AsyncClient

if TYPE_CHECKING:
    from running_server import Server

MORE = '''
import time
from typing import Literal
from toolcell_worker import Context, reads, tool

@tool(effects="read_only")
def rows(count: int) -> list[dict[str, str]]:
    """Lists rows."""
    return [{"name": f"row {n} ä"} for n in range(count)]

@tool(effects="read_only")
def table(unit: Literal["celsius", "kelvin"], days: int = 1) -> str:
    """Shows a table."""
    return unit * days

@tool(effects="read_only")
def fails(row: int) -> None:
    """Fails."""
    print("looking", flush=True)
    raise KeyError(f"no row {row}")

@tool
def sleep(context: Context) -> None:
    """Sleeps for a minute."""
    context.progress(0.25, "asleep")
    time.sleep(60)

@tool(effects="writes")
def count_up() -> int:
    """Returns another number each time."""
    return time.monotonic_ns()

@tool(effects="read_only", paths=[reads("{path}")])
def look(path: str, other: str = "") -> str:
    """Reads a file, or another."""
    return open(other or path).read()
'''


class TurnPlace(Place):
    """
    The place of approvals, with more tools.
    """

    def started(self) -> Server:
        (self.folder / "tools" / "turns.py").write_text(MORE)
        return super().started()

    def async_client(self, who: str) -> AsyncClient:
        return AsyncClient(self.server.target, metadata=metadata(who))
