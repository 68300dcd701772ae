"""
Whether a tool is there at all, in this environment and for this caller.  Pure.

Theory of operation.  A tool may say that it is for staging, for servers in one region, for callers
of one role or with one label.  Elsewhere it is not there, by the same lines by which a tool is not
there for who has no right to it: not in lists, not in searches, not for calls.  A role counts where
it holds, and only if the settings have it: a word on a credential makes nothing appear.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from toolcell_server.manifest import Conditions


@dataclass(frozen=True, slots=True)
class Environment:
    """
    Where this server runs, as its operator calls it.
    """

    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def is_there(
    conditions: Conditions,
    environment: Environment,
    roles: Collection[str],
    labels: Mapping[str, str],
) -> bool:
    """
    Whether all conditions hold: of the server, and of a caller with these roles and labels.
    """
    if conditions.environments and environment.name not in conditions.environments:
        return False
    if conditions.roles and not any(role in roles for role in conditions.roles):
        return False
    return _has(environment.labels, conditions.environment_labels) and _has(
        labels, conditions.labels
    )


def _has(labels: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in asked.items())
