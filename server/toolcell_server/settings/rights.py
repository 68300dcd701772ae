"""
The sections `[rights]`, `[[roles]]` and `[[rules]]`: who may call what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from toolcell_server.rights.roles import Role
from toolcell_server.settings import rules as rule_settings
from toolcell_server.settings import shapes
from toolcell_server.settings.errors import SettingsError
from toolcell_server.settings.selections import origins, selectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_server.rights.rules import Rule

_ROLE: Final = ("name", "tools", "scopes", "allowed_origins")
_LONGEST_NAME: Final = 128
# A scope-token of RFC 6749, 3.3.
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsSettings:
    """
    `anonymous_roles` are the roles of callers that nobody asked who they are.
    """

    anonymous_roles: frozenset[str] = frozenset()
    roles: tuple[Role, ...] = ()
    rules: tuple[Rule, ...] = ()

    @classmethod
    def build(cls, section: Mapping[str, Any], roles: Any, rules: Any) -> Self:
        """
        From the values of the settings.

        Raises:
            SettingsError: one of them cannot be used; names key, value and remedy.
        """
        tables = shapes.tables("roles", roles, _ROLE)
        built = tuple(_role(key, entry) for key, entry in tables)
        shapes.unique("roles", [role.name for role in built])
        known = frozenset(role.name for role in built)
        anonymous = shapes.texts("rights.anonymous_roles", section.get("anonymous_roles", []))
        for name in anonymous:
            check_role("rights.anonymous_roles", name, known)
        given = rule_settings.build(rules)
        for index, rule in enumerate(given):
            for name in sorted(rule.roles):
                check_role(f"rules[{index}].roles", name, known)
        return cls(anonymous_roles=frozenset(anonymous), roles=built, rules=given)


def check_role(key: str, name: str, known: frozenset[str]) -> None:
    """
    Check that the settings have a role, for whoever names one in other settings.

    Raises:
        SettingsError: they do not.
    """
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        remedy = f"make it with [[roles]], or name one of these: {listed}"
        raise SettingsError("is no role", remedy, key=key, value=name)


def _role(key: str, entry: Mapping[str, Any]) -> Role:
    scopes = shapes.texts(f"{key}.scopes", entry.get("scopes", []))
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            remedy = 'leave out spaces, " and \\'
            raise SettingsError("is no scope", remedy, key=f"{key}.scopes", value=scope)
    return Role(
        name=shapes.name(key, entry, _LONGEST_NAME),
        tools=selectors(f"{key}.tools", entry.get("tools", [])).texts,
        scopes=frozenset(scopes),
        origins=origins(f"{key}.allowed_origins", entry.get("allowed_origins")),
    )
