"""
The one interface of where registered tools come from: one kind of source per file, wired in
`parts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell.v1 import registry_pb2

    from toolcell_server.carried import Carried
    from toolcell_server.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """
    One tool that a source offers.  Nothing of `manifest` has been believed yet: it is checked as
    one that a zygote sends.
    """

    manifest: Mapping[str, Any]
    carried: Carried


class Source(Protocol):
    """
    Turns definitions of one kind into tools.
    """

    async def offer(
        self, definition: registry_pb2.ToolDefinition, principal: Principal
    ) -> Sequence[Offered]:
        """
        The tools that a definition stands for.  Nothing is kept yet.

        Raises:
            CallRefused: it stands for none; says what is wrong, where, and the remedy.
        """
        ...
