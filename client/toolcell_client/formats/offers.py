"""
What a provider is told of each tool of a set, and what that leaves out.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_client.formats.offered import Offer
from toolcell_client.formats.providers import format_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_client.formats.loosened import Loosened, Strictness
    from toolcell_client.formats.offered import OfferedTool


class Offers:
    """
    Offers of some tools by their aliases.
    """

    def __init__(self, tools: Mapping[str, OfferedTool], aliases: Mapping[str, str]) -> None:
        self.tools = tools
        self.aliases = aliases
        self._by_alias = {alias: name for name, alias in aliases.items()}

    def named(self, called: str) -> str:
        """
        The tool that a model means; "" if there is none.
        """
        found = self._by_alias.get(called, called)
        return found if found in self.tools else ""

    def made(
        self, tools: Sequence[OfferedTool], provider: str, strict: Strictness
    ) -> tuple[list[Offer], list[Loosened]]:
        """
        Raises:
            ValueError: there is no such provider, or a schema cannot be offered so.
        """
        format_of(provider)
        return [
            Offer(
                name=self.aliases[each.name],
                description=each.description,
                parameters=each.parameters,
                returns=each.returns,
            )
            for each in tools
        ], []

    def restored(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """
        Arguments for a tool of that name, as its own schema has them.
        """
        return arguments
