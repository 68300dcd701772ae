"""
Makes what serves hosts, if the settings ask for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.hosts import metrics
from toolcell_server.hosts.hosts import Hosts
from toolcell_server.hosts.isolation import OUTSIDE
from toolcell_server.hosts.owner import is_hosted
from toolcell_server.hosts.recorded import Recorded, unrecorded
from toolcell_server.hosts.showing import Showing

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.hosts.service import HostService
    from toolcell_server.isolation import Isolation
    from toolcell_server.made import Made


def hosts(app: Made) -> Hosts | None:
    """
    The hosts of tools that live at clients, if the operator lets them.
    """
    settings = app.settings
    if not settings.hosts.enabled:
        return None
    stall, check = Showing(app.registry, app.metrics), app.tools.check_offered
    record = Recorded(app.auditing) if app.auditing else unrecorded
    limits = settings.defaults, settings.ceilings
    made = Hosts(settings.hosts, stall, *limits, check, record=record)
    metrics.watch(app.metrics.registry, made)
    return made


def isolation(app: Made) -> Callable[[str], Isolation]:
    """
    What encloses the tools of a bundle.
    """
    if app.hosts is None:
        return app.pool.isolation
    inside = app.pool.isolation
    return lambda bundle: OUTSIDE if is_hosted(bundle) else inside(bundle)


def service(app: Made) -> HostService:
    """
    The face of the hosts, which refuses them if there are none.
    """
    # Here: the keeper and the zygotes are started before gRPC is imported.
    from toolcell_server.hosts.service import HostService

    return HostService(app.hosts, authenticated=app.settings.auth.enabled)
