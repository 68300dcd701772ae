"""
Roles: words on a credential that stand for scopes.  Pure.

Theory of operation.  A role's tools are scopes too, `tools:read_file`, `tools:category:web`: so a
credential without a role can carry them, and there is one thing to ask.  A role that holds only at
some origins gives nothing elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from toolcell_server.rights.origins import Origins

TOOLS: Final = "tools:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """
    `tools` are selectors; `origins` None: it holds wherever a call comes from.
    """

    name: str
    tools: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    origins: Origins | None = None

    @property
    def granted(self) -> frozenset[str]:
        """
        All that it gives, as scopes.
        """
        return self.scopes | {f"{TOOLS}{selector}" for selector in self.tools}

    def holds_at(self, origin: str) -> bool:
        """
        Whether it gives that to a call that comes from there.
        """
        return self.origins is None or self.origins.include(origin)


def selectors(scopes: frozenset[str]) -> frozenset[str]:
    """
    The tools that scopes admit, as texts.
    """
    return frozenset(scope.removeprefix(TOOLS) for scope in scopes if scope.startswith(TOOLS))
