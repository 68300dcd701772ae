"""
A caller's own, narrower wish among what a tool would get.  Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from toolcell_server.egress.decide import specificity
from toolcell_server.egress.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence


class Wider(ValueError):  # noqa: N818  # names what happened
    """
    Raised when a request names more than the tool would get.
    """

    def __init__(self, requested: str) -> None:
        super().__init__(f"{requested} is more than this tool gets; ask for one of its own")
        self.requested = requested


def narrowed(requested: str, own: Sequence[Rule]) -> Rule:
    """
    The tool's rule that covers what is requested, for no more than that: same port, same protocol,
    and the options stay, so that a narrower host never comes with wider requests.

    Raises:
        ValueError: the request is no text form of a rule.
        Wider: none of the tool's rules covers it.
    """
    asked = Rule.parse(requested)
    covering = [
        rule
        for rule in own
        if rule.pattern.covers(asked.pattern)
        and (rule.port, rule.protocol) == (asked.port, asked.protocol)
    ]
    if not covering:
        raise Wider(asked.text)
    return replace(max(covering, key=specificity), pattern=asked.pattern)
