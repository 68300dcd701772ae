"""
Attacks on the network: N1 to N15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.battery.attacks import (
    network_direct,
    network_endings,
    network_names,
    network_speech,
)

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *network_direct.ATTACKS,
    *network_names.ATTACKS,
    *network_speech.ATTACKS,
    *network_endings.ATTACKS,
)
