"""
What the programs of the worker's room are told when they start, from the settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server import host_ids
from toolcell_server.hosting import Bundle
from toolcell_server.settings.bundles import BUILTIN
from toolcell_server.warm_kinds import Warmth

if TYPE_CHECKING:
    from toolcell_server.settings import Settings

_BUILTIN_PACKAGE: Final = "toolcell_worker.tools"


def of_keeper() -> dict[str, Any]:
    """
    What the keeper is told: the ids of cells.

    Raises:
        NoSpareIds: we are root, and there are no ids for cells to have.
    """
    told: dict[str, Any] = {}
    if spare := host_ids.spare_ids():
        first, count = spare
        told["identity"] = {"first": first, "count": count}
    return told


def of_egress(settings: Settings) -> dict[str, Any]:
    """
    What the egress is told, and the credentials that it may be told with a cell.

    Raises:
        NoSpareIds: as of_keeper.
    """
    egress, policy = settings.egress, settings.policy
    return {
        "identity": of_keeper().get("identity"),
        "resolver": egress.servers(),
        "private": list(policy.private_networks),
        "denied": [pattern.text for pattern in policy.denied_domains],
        "ca_file": egress.ca_file,
        "credentials": {credential.name: credential.told() for credential in egress.credentials},
    }


def of_bundles(settings: Settings) -> list[Bundle]:
    """
    Every bundle with what its zygote is told; the built-in one first.

    Raises:
        NoSpareIds: as of_keeper.
    """
    roots = [root.path for root in settings.policy.roots]  # where tools find them
    everywhere = {**of_keeper(), "roots": roots, "observed": True}
    warmth = Warmth(cells=settings.server.warm_cells, seconds=settings.server.warm_seconds)
    bundles = []
    if settings.builtin.enabled:
        own = {"package": _BUILTIN_PACKAGE, "options": {"run_shell": settings.builtin.run_shell}}
        told = {**everywhere, "bundle": BUILTIN, **own}
        bundles.append(Bundle(name=BUILTIN, instructions=told, warmth=warmth))
    for bundle in settings.bundles:
        told = {
            **everywhere,
            "bundle": bundle.name,
            "path": bundle.path,
            "package": bundle.package,
            "environment": dict(bundle.env),
        }
        bundles.append(
            Bundle(name=bundle.name, instructions=told, python=bundle.python, warmth=warmth)
        )
    return bundles
