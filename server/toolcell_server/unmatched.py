"""
What the settings name and no bundle, and no role, has; told when the tools are known: a typing
error in a rule leaves open what it should close.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from toolcell_server.fallbacks import fallbacks
from toolcell_server.principal import APPROVE
from toolcell_server.rates.warning import warn_of_unknown_tools
from toolcell_server.rights.roles import TOOLS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from toolcell_server.made import Made
    from toolcell_server.registry import Registry
    from toolcell_server.settings import Settings

_ROLE: Final = "role:"  # how a principal of [[rates]] begins that is one

_log = logging.getLogger(__name__)


def warn(app: Made) -> None:
    """
    A line in the log for each.
    """
    app.rights.warn_of_unknown(app.registry.of_name)
    warn_of_unknown_disabled(app.registry)
    warn_of_unknown_credentials(app.registry, app.settings.egress.names)
    warn_of_unknown_tools(app.settings.rates, app.registry)
    fallbacks.warn(app.registry)
    for where, name in _tools(app):
        said = f"{where} names a tool that no bundle has"
        _log.warning(said, extra={"fields": {"tool": name}})
    for rule, role in unknown_roles(app.settings):
        said = "a rule of rates names a role that the settings do not have"
        _log.warning(said, extra={"fields": {"rule": rule, "role": role}})
    if admits_nobody(app.settings):
        _log.warning("no role and no scope lets anybody call a tool; add [[roles]] with tools")
    if nobody_approves(app.settings):
        said = "approvals are asked for that nobody may give; add a role with the scope"
        _log.warning(said, extra={"fields": {"scope": APPROVE}})


def warn_of_unknown_disabled(registry: Registry) -> None:
    """
    A typing error in a safety switch leaves on what it should switch off.
    """
    for name, matches in registry.unknown_disabled().items():
        fields = {"tool": name, "close_matches": ", ".join(matches)}
        said = "policy.tools_disabled names a tool that no bundle has"
        _log.warning(said, extra={"fields": fields})


def warn_of_unknown_credentials(registry: Registry, known: Collection[str]) -> None:
    """
    Each request of such a tool will be refused, and what it hears names no setting.
    """
    for tool in registry.tools():
        for entry in tool.domains:
            name = entry.get("credential") if isinstance(entry, Mapping) else None
            if name is not None and name not in known:
                fields = {"tool": tool.name, "bundle": tool.bundle, "credential": name}
                said = "a tool names a credential that egress.credentials does not have"
                _log.warning(said, extra={"fields": fields})


def unknown_roles(settings: Settings) -> list[tuple[str, str]]:
    """
    The rules of rates that are about a role that nobody has as far as the settings know, and the
    role.  A signed token may bring any; where the settings do not say so, it is told all the same.
    """
    known = {role.name for role in settings.rights.roles}
    known = known.union(*(principal.roles for principal in settings.auth.principals))
    named = [
        (rule.name, rule.principal.removeprefix(_ROLE))
        for rule in settings.rates
        if rule.principal.startswith(_ROLE)
    ]
    return [(rule, role) for rule, role in named if role not in known]


def admits_nobody(settings: Settings) -> bool:
    """
    Whether callers are asked who they are, and none of them may call a tool for certain.
    """
    if not settings.auth.enabled or _others_name_callers(settings):
        return False
    return not any(scope.startswith(TOOLS) for scope in _scopes(settings))


def nobody_approves(settings: Settings) -> bool:
    """
    Whether the settings want the yes of somebody else for some calls, and for certain nobody has
    the scope to give it.  Where callers are not known they are one, and nobody is somebody else.
    """
    approval, rules = settings.approval, settings.rights.rules
    demanded: set[str] = {approval.default_for_destructive}
    demanded |= {entry.kind for entry in approval.tools}
    demanded |= {rule.approval for rule in rules if rule.then == "require_approval"}
    if "approve" not in demanded or _others_name_callers(settings):
        return False
    return not settings.auth.enabled or APPROVE not in _scopes(settings)


def _others_name_callers(settings: Settings) -> bool:
    """
    Whether there are credentials that the settings do not have, with scopes of their own.
    """
    return settings.auth.tokens_file is not None or settings.auth.jwt is not None


def _scopes(settings: Settings) -> set[str]:
    """
    All scopes that the settings give to anybody.
    """
    given = {scope for principal in settings.auth.principals for scope in principal.scopes}
    return given | {scope for role in settings.rights.roles for scope in role.granted}


def _tools(app: Made) -> Iterator[tuple[str, str]]:
    settings, found = app.settings, app.registry.of_name
    known = {tool.name for tool in app.registry.tools()}
    yield from (("approval.tools", pattern) for pattern in app.demands.unmatched(known))
    for index, screen in enumerate(settings.screens):
        if screen.tool != "*" and not found(screen.tool):
            yield f"screens[{index}]", screen.tool
    for hook in settings.middleware:
        for name in sorted(hook.tools.names):
            if not found(name):
                yield f"middleware {hook.where}", name
