"""
What the settings name and no bundle has, told when the tools are known: a typing error in a rule
leaves open what it should close.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from toolcell_server.fallbacks import fallbacks
from toolcell_server.rates.warning import warn_of_unknown_tools

if TYPE_CHECKING:
    from toolcell_server.app import App

_log = logging.getLogger(__name__)


def warn(app: App) -> None:
    """
    A line in the log for each.
    """
    app.rights.warn_of_unknown(app.registry.of_name)
    app.registry.warn_of_unknown_disabled()
    app.registry.warn_of_unknown_credentials(app.settings.egress.names)
    warn_of_unknown_tools(app.settings.rates, app.registry)
    fallbacks.warn(app.registry)
    tools = list(app.registry.tools())
    names = {tool.name for tool in tools}
    for pattern in app.demands.unmatched(names):
        said = "approval.tools names a tool that no bundle has"
        _log.warning(said, extra={"fields": {"tool": pattern}})
    for screen in app.settings.screens:
        if screen.tool not in ("*", *names):
            said = "a screen names a tool that no bundle has"
            _log.warning(said, extra={"fields": {"tool": screen.tool, "at": screen.at}})
    for hook in app.hooks.every:
        if not any(map(hook.covers, tools)):
            _log.warning("a hook covers no tool", extra={"fields": {"hook": hook.name}})
