"""
Where hosted tools are offered to those who call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.hosts.owner import Owner
    from toolcell_server.scopes import Scope
    from toolcell_server.tool import Tool


class Stall(Protocol):
    """
    Where tools are found by those who call them.
    """

    def offer(self, owner: Owner, tools: Sequence[Tool]) -> None:
        """
        Put these in the place of all that the owner had.
        """
        ...

    def is_taken(self, name: str, scope: Scope, bundle: str) -> bool:
        """
        Whether a tool of another bundle has that name for anybody in that scope.
        """
        ...
