"""
Rules and tools for tests, written the way the settings write them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_server.rights import Rights
from toolcell_server.settings import rules
from toolcell_server.settings.rights import RightsSettings
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from toolcell_server.rights import Rule


def rule(then: str, *when: tuple[str, str, Any], **fields: Any) -> dict[str, Any]:
    """
    One table of `[[rules]]`; each of `when` is argument, test and value.
    """
    conditions = [
        {"argument": argument, "is": test, "value": value} for argument, test, value in when
    ]
    return {"tools": ["*"], **fields, "then": then, "when": conditions}


def built(*tables: dict[str, Any]) -> tuple[Rule, ...]:
    return rules.build(list(tables))


def rights(
    roles: dict[str, Any] | None = None,
    *tables: dict[str, Any],
    anonymous: tuple[str, ...] = (),
    authenticated: bool = False,
) -> Rights:
    """
    Rights with roles by name: a list of tools, or a whole table.
    """
    named = [
        {"name": name, **(given if isinstance(given, dict) else {"tools": given})}
        for name, given in (roles or {}).items()
    ]
    found = RightsSettings.build({"anonymous_roles": list(anonymous)}, named, list(tables))
    return Rights(found.roles, found.rules, found.anonymous_roles, authenticated=authenticated)


def tool(name: str = "read_file", **fields: Any) -> Tool:
    return Tool(**{"bundle": "mine", "version": "1", **fields, "name": name})
