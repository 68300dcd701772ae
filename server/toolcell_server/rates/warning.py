"""
Rules that are about no tool that there is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from toolcell_server.rates.rules import ANY
from toolcell_server.rights.selectors import Selectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.rates.rules import Rule
    from toolcell_server.registry import Registry

_log = logging.getLogger(__name__)


def unknown_tools(rules: Sequence[Rule], registry: Registry) -> list[tuple[str, str]]:
    """
    The selectors of rules that no tool fits: the rule's name, and the selector.
    """
    tools = list(registry.tools())
    words = [(rule.name, word) for rule in rules for word in rule.tools if word != ANY]
    return [
        (name, word) for name, word in words if not any(map(Selectors.parse([word]).cover, tools))
    ]


def warn_of_unknown_tools(rules: Sequence[Rule], registry: Registry) -> None:
    """
    A typing error in a quota leaves without one what it should limit.
    """
    for rule, word in unknown_tools(rules, registry):
        fields = {"rule": rule, "tool": word}
        _log.warning("a rule of rates names a tool that no bundle has", extra={"fields": fields})
