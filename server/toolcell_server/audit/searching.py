"""
Which records somebody asks for.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolcell_server.audit.lines import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """
    What a record must be; what is empty asks for nothing.  `kind` is a type without its prefix, or
    the beginning of one that ends before a dot; `execution` is the id of an execution.
    """

    since: datetime | None = None
    until: datetime | None = None
    principal: str | None = None
    tool: str = ""
    outcome: str = ""
    execution: str = ""
    kind: str = ""

    def finds(self, line: Line) -> bool:
        """
        Whether this is one of them.
        """
        data = line.data
        if self.kind and not f"{line.type}.".startswith(f"{self.kind}."):
            return False
        if self.principal is not None and _named(data, "principal") != self.principal:
            return False
        if self.tool and _named(data, "tool") != self.tool:
            return False
        if self.execution and data.get("execution_id") != self.execution:
            return False
        return self._outcome_fits(data) and self._in_time(line)

    def _outcome_fits(self, data: dict[str, Any]) -> bool:
        outcome = data.get("outcome")
        kind = outcome.get("kind") if isinstance(outcome, dict) else None
        return not self.outcome or kind == self.outcome

    def _in_time(self, line: Line) -> bool:
        if self.since is None and self.until is None:
            return True
        try:
            at = moment(str(line.envelope.get("time")))
        except ValueError:
            return False
        return not (self.since and at < self.since) and not (self.until and at >= self.until)


def moment(text: str) -> datetime:
    """
    A moment as in "2026-11-27T13:00:00Z" or "2026-11-27"; without an offset it is in UTC.

    Raises:
        ValueError: it is none.
    """
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _named(data: dict[str, Any], key: str) -> Any:
    """
    The name of a principal or a tool; of a tool that was refused only the name is kept.
    """
    value = data.get(key)
    return value.get("name") if isinstance(value, dict) else value
