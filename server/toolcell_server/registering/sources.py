"""
Where tools come from, for who may change that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.principal import TOOLS
from toolcell_server.refusals import NotPermitted, UnknownBundle

if TYPE_CHECKING:
    from toolcell_server.bundles.reloads import Reloads
    from toolcell_server.principal import Principal


class Sources:
    """
    Where nobody is asked who he is (`authenticated` is false), everybody may.
    """

    def __init__(self, reloads: Reloads, *, authenticated: bool) -> None:
        self._reloads = reloads
        self._authenticated = authenticated

    async def reload(self, bundle: str, principal: Principal) -> pb.ReloadToolsResponse:
        """
        Load a bundle again, or all of them.

        Raises:
            NotPermitted: that is not for this caller to do.
            UnknownBundle: there is no such bundle.
        """
        if self._authenticated and TOOLS not in principal.scopes:
            raise NotPermitted("to load bundles again")
        if bundle and bundle not in self._reloads.names:
            raise UnknownBundle(bundle, self._reloads.names)
        response = pb.ReloadToolsResponse()
        for name in [bundle] if bundle else self._reloads.names:
            ended = await self._reloads.reload(name)
            response.bundles.add(
                bundle=name,
                reloaded=not ended.reason,
                reason=ended.reason,
                outdated_tools=ended.outdated,
            )
        return response
