"""
Every attack, and which of them were asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.battery.attacks import (
    files,
    information,
    kernel,
    network,
    processes,
    resources,
    service,
    uploads,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.battery.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *files.ATTACKS,
    *processes.ATTACKS,
    *resources.ATTACKS,
    *information.ATTACKS,
    *network.ATTACKS,
    *kernel.ATTACKS,
    *service.ATTACKS,
    *uploads.ATTACKS,
)


def chosen(only: Sequence[str]) -> list[Attack]:
    """
    The attacks with one of these names or ids; all if none is given.

    Raises:
        ValueError: no attack is called so.
    """
    for word in only:
        if not any(word in (attack.id, attack.name) for attack in ATTACKS):
            raise ValueError(f"no attack is called {word!r}")
    return [attack for attack in ATTACKS if not only or {attack.id, attack.name} & set(only)]
