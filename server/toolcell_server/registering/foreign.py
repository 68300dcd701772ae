"""
Makes the parts that have tools of OpenAPI documents and of MCP servers.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from toolcell_server.egress.names import Pattern
from toolcell_server.rates.gate import RateGate
from toolcell_server.rates.places import Places
from toolcell_server.registering.authority import Wanted
from toolcell_server.registering.mcp.source import McpSource
from toolcell_server.registering.openapi.source import OpenApiSource
from toolcell_server.registering.standing import Standing
from toolcell_server.registering.trying import Trying

if TYPE_CHECKING:
    from toolcell_server.made import Made


def openapi_source(app: Made) -> OpenApiSource:
    """
    What makes tools of OpenAPI documents.
    """
    trusted = app.settings.policy.safe_domains
    return OpenApiSource(
        credentials=app.settings.egress.names,
        safe=lambda host: any(pattern.covers(Pattern(host)) for pattern in trusted),
        turns=app.turns,
    )


def mcp_source(app: Made) -> McpSource:
    """
    What makes tools of MCP servers.
    """
    trial = functools.cache(lambda: trying(app))  # later: what runs tools is made after this
    return McpSource(
        trial,
        lambda caller, kind: app.authority.new(caller, Wanted(kind)),
        app.turns,
        app.settings.registry.own_grants,
    )


def trying(app: Made) -> Trying:
    """
    What runs a server to ask it.
    """
    return Trying(
        executor=app.executor,
        capacity=app.capacity,
        opener=app.pool.open,
        granting=app.granting,
        defaults=app.settings.defaults,
        ceilings=app.settings.ceilings,
        auditing=app.auditing,
        rates=rates(app),
    )


def rates(app: Made) -> RateGate:
    """
    What holds runs at registering to the rates of who registers.
    """
    return RateGate(app.settings.rates, app.windows, Places(), app.metrics.rates.refused)


def standing(app: Made) -> Standing:
    """
    The tools of documents and servers that the settings name.
    """
    return Standing(
        settings=app.settings.registry,
        documents=openapi_source(app),
        servers=mcp_source(app),
        registry=app.registry,
        defaults=app.settings.defaults,
        ceilings=app.settings.ceilings,
    )
