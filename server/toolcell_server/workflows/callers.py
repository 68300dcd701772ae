"""
The caller of a run, as he is written down, and as he is taken up again by another server.

Theory of operation.  A run goes on as the one who began it, and each of its calls is judged by what
he may then.  While a server lives that is what his credential gave him; when the next one takes the
run up there is no credential any more.  So his name, his roles, and those of his scopes are kept
that no role of his gave him: roles are turned into scopes anew, by the settings of that day.  What
a role no longer gives, the run no longer has; what a token itself carried, it keeps until it ends.
A scope that both gave is taken for the role's.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from toolcell_server.principal import Principal

if TYPE_CHECKING:
    from toolcell_server.rights import Rights


class Callers:
    """
    Writes callers down, and reads them.
    """

    def __init__(self, rights: Rights) -> None:
        self._rights = rights

    def written(self, caller: Principal) -> str:
        bare = dataclasses.replace(caller, scopes=frozenset())
        return json.dumps(
            {
                "name": caller.name,
                "roles": sorted(caller.roles),
                "scopes": sorted(caller.scopes - self._now(bare).scopes),
                "labels": dict(caller.labels),
                "session": caller.session,
                "origin": caller.origin,
            }
        )

    def read(self, text: str) -> Principal:
        """
        The caller with what he may now.
        """
        value: dict[str, Any] = json.loads(text)
        value |= {name: frozenset(value[name]) for name in ("roles", "scopes")}
        return self._now(Principal(**value))

    def _now(self, principal: Principal) -> Principal:
        return self._rights.located(self._rights.expand(principal))
