"""
What a credential proves, and until when.  Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from toolcell_server.principal import Principal

# Turns roles into scopes, once for each credential: whoever decides about rights supplies it.
Expand: TypeAlias = Callable[[Principal], Principal]


@dataclass(frozen=True, slots=True)
class Verified:
    """
    A principal who has proved to be one, until `expires`, in seconds since the epoch.  `claimed`
    is whether the credential itself says his name, and not the operator.
    """

    principal: Principal
    expires: float = math.inf
    claimed: bool = False


def as_is(principal: Principal) -> Principal:
    """
    Roles are worth nothing: what the credential's scopes say is all.
    """
    return principal
