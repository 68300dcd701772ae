"""
A tool's own rule: the key `rates` of its manifest.  Pure.

    rates = {calls = ["5/second", "1000/day"], concurrency = 2, per = "tool"}

It limits the tool for everybody together, or, with `per = "principal_tool"`, for each caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.rates import notation
from toolcell_server.rates.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

PER: Final = ("tool", "principal_tool")
KEYS: Final = (*notation.KEYS, "concurrency", "per")


def rule(name: str, rates: Mapping[str, Any]) -> tuple[Rule, ...]:
    """
    The rule of the tool of that name; none, if it has none.

    Raises:
        ValueError: it is no rule; the text says which key, and what it must be.
    """
    if not rates:
        return ()
    if unknown := sorted(set(rates) - set(KEYS)):
        raise ValueError(f"rates.{unknown[0]} is not known; the keys are {', '.join(KEYS)}")
    per = rates.get("per", "tool")
    if per not in PER:
        raise ValueError(f"rates.per must be one of {', '.join(PER)}, not {per!r}")
    try:
        calls = notation.windows(rates)
        at_once = notation.count("concurrency", rates.get("concurrency", 1))
    except notation.NotARate as exc:
        raise ValueError(f"rates.{exc.key} = {exc.value!r:.80} {exc.what}") from None
    if not calls and "concurrency" not in rates:
        raise ValueError("rates limits nothing; give it calls or concurrency, or leave it out")
    return (
        Rule(
            name=f"the tool {name}",
            tools=(name,),
            per=per,
            calls=calls,
            concurrency=at_once if "concurrency" in rates else 0,
            of_tool=True,
        ),
    )
