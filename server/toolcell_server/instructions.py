"""
What the programs of the worker's room are told when they start, from the settings.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import host_ids
from toolcell_server.carried import CODE, PACKAGE, REGISTERED
from toolcell_server.hosting import Bundle
from toolcell_server.redaction import Redactor
from toolcell_server.redaction.forms import MINIMUM
from toolcell_server.settings.bundles import BUILTIN
from toolcell_server.warm_kinds import Warmth

if TYPE_CHECKING:
    from toolcell_server.settings import Settings

_SHORT: Final = (
    f"a credential of egress.credentials has fewer than {MINIMUM} characters, and is therefore not"
    " redacted where a tool shows it; use a longer one"
)
_log = logging.getLogger(__name__)
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
    if settings.registry.enabled:
        carriers = {**everywhere, "roots": [*roots, CODE], "bundle": REGISTERED, "package": PACKAGE}
        bundles.append(Bundle(name=REGISTERED, instructions=carriers, warmth=warmth))
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


def redactor(settings: Settings) -> Redactor:
    """
    What takes secrets out of everything that leaves: those that are configured, and those that
    the egress adds to requests, which a server that echoes them hands to a tool.
    """
    redaction, credentials = settings.redaction, settings.egress.credentials
    told = {secret for credential in credentials for secret in credential.secrets}
    long_enough = {secret for secret in told if len(secret.encode()) >= MINIMUM}
    if any(not long_enough.intersection(credential.secrets) for credential in credentials):
        _log.warning(_SHORT)
    return Redactor.of([*redaction.values, *long_enough], redaction.shapes, redaction.keys)
