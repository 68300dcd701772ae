"""
A cell as the egress sees it, and what the server is told of it.
"""

from __future__ import annotations

from typing import Any

from toolcell_server.egress.attached import Attached
from toolcell_server.egress.budget import Budget
from toolcell_server.egress.names import Pattern
from toolcell_server.egress.rules import Rule


def attached(
    *rules: Any, denied: tuple[str, ...] = (), report_only: bool = False
) -> tuple[Attached, list[dict[str, Any]]]:
    """
    A cell with these rules, and the growing list of what it tells.
    """
    told: list[dict[str, Any]] = []
    cell = Attached(
        number=1,
        rules=[Rule.parse(rule) for rule in rules],
        denied=[Pattern.parse(pattern) for pattern in denied],
        budget=Budget(9, 99, 99),
        tell=told.append,
        report_only=report_only,
    )
    return cell, told
