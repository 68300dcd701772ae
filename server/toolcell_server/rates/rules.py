"""
The rules: whom one is about, what it counts together, and how much of it may be.  Pure.

Theory of operation.  Every rule that is about a call applies to it: the strictest wins, whoever
wrote it and in whatever order they stand.  So a tool's own rule (`rates` in its manifest) can only
take away from what the operator allows, and the operator's from what the tool would take.

What a rule counts lies under a key.  It begins with the `identity` of the rule, which is made of
whom and what it is about and never of its numbers: an operator who lowers a quota does not begin to
count again, and one who puts another rule before it does not hand its counts to that one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from toolcell_server.rates.notation import DAY, Window
from toolcell_server.rights.selectors import Selectors

if TYPE_CHECKING:
    from toolcell_server.principal import Principal
    from toolcell_server.tool import Tool

Per: TypeAlias = Literal["principal", "tool", "principal_tool", "global"]
Kind: TypeAlias = Literal["calls", "concurrency", "cpu_seconds", "egress_bytes"]
PER: Final[tuple[Per, ...]] = ("principal", "tool", "principal_tool", "global")
KINDS: Final[tuple[Kind, ...]] = ("calls", "concurrency", "cpu_seconds", "egress_bytes")
ANY: Final = "*"
ANONYMOUS: Final = "anonymous"  # the principal of a rule about callers without a name
MICROSECONDS: Final = 1_000_000
_EACH: Final = {
    "principal": "for each principal",
    "tool": "for each tool",
    "principal_tool": "for each principal and tool",
    "global": "for all together",
}


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """
    One number of a rule: at most `limit` of a kind in any `seconds` (0: at once).  Processor time
    is counted in microseconds.  `says` is that in words; `prefix` begins the keys of its counts.
    """

    kind: Kind
    limit: int
    seconds: int
    says: str
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One rule; what it does not limit is 0 or empty.  `name` is what callers are told.  `principal`
    is "*", a name, "role:x", or "anonymous" for who has no name; `tools` are selectors, as those of
    roles.  `of_tool`: the tool's own rule.  `bounds` and `selected` follow from the rest.

    Raises:
        NotASelector: one of `tools` selects nothing.
    """

    name: str
    principal: str = ANY
    tools: tuple[str, ...] = (ANY,)
    per: Per = "principal"
    calls: tuple[Window, ...] = ()
    concurrency: int = 0
    cpu_seconds_per_day: float = 0.0
    egress_bytes_per_day: int = 0
    of_tool: bool = False
    bounds: tuple[Bound, ...] = field(init=False, repr=False, compare=False)
    selected: Selectors = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bounds", tuple(self._bounds()))
        object.__setattr__(self, "selected", Selectors.parse(self.tools))

    @property
    def identity(self) -> str:
        """
        The same for rules that are about the same; short, because each key has it.
        """
        whose = "tool" if self.of_tool else "operator"
        about = "\0".join((whose, self.principal, self.per, *sorted(set(self.tools))))
        return hashlib.blake2b(about.encode(), digest_size=8).hexdigest()

    def is_about_tool(self, tool: Tool) -> bool:
        return self.selected.cover(tool)

    def is_about(self, caller: Principal) -> bool:
        if self.principal == ANY:
            return True
        kind, _, role = self.principal.partition(":")
        if kind == "role":
            return role in caller.roles
        return self.principal == (caller.name or ANONYMOUS)

    def _bounds(self) -> list[Bound]:
        found = [self._bound("calls", w.calls, w.seconds, f"per {w.span}") for w in self.calls]
        if self.concurrency:
            found.append(self._bound("concurrency", self.concurrency, 0, "at once"))
        if self.cpu_seconds_per_day:
            micros = round(self.cpu_seconds_per_day * MICROSECONDS)
            found.append(self._bound("cpu_seconds", micros, DAY, "in 24 hours"))
        if self.egress_bytes_per_day:
            found.append(self._bound("egress_bytes", self.egress_bytes_per_day, DAY, "in 24 hours"))
        return found

    def _bound(self, kind: Kind, limit: int, seconds: int, when: str) -> Bound:
        shown = f"{limit / MICROSECONDS:g}" if kind == "cpu_seconds" else str(limit)
        what = "calls" if kind == "concurrency" else kind.replace("_", " ")
        says = f"{self.name}: at most {shown} {what} {when} {_EACH[self.per]}"
        return Bound(kind, limit, seconds, says, f"{self.identity} {kind} {seconds} ")


def scope(per: Per, tool: str, subject: str) -> str:
    """
    The end of a key: what is counted together.  A tool's name has no space, so no two are alike.
    """
    if per == "principal":
        return subject
    if per == "tool":
        return tool
    return f"{tool} {subject}" if per == "principal_tool" else ""
