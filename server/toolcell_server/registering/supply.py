"""
How code comes to a server that runs: bundles that are loaded again, and what is uploaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.principal import TOOLS
from toolcell_server.refusals import NotPermitted, SwitchedOff, UnknownBundle
from toolcell_server.registering.uploaded import OFF

if TYPE_CHECKING:
    from toolcell_server.bundles.reloads import Reloads
    from toolcell_server.principal import Principal
    from toolcell_server.registering.authority import Authority
    from toolcell_server.uploads.uploads import Uploads


class Supply:
    """
    `uploads` is None where nothing is uploaded.
    """

    def __init__(self, reloads: Reloads, uploads: Uploads | None, authority: Authority) -> None:
        self._reloads = reloads
        self._uploads = uploads
        self._authority = authority

    async def reload(self, bundle: str, caller: Principal) -> pb.ReloadToolsResponse:
        """
        Load a bundle again, or all of them.

        Raises:
            NotPermitted: that is not for this caller to do.
            UnknownBundle: there is no such bundle.
        """
        if not self._authority.may_all(caller):
            raise NotPermitted(f"loading bundles again without the scope {TOOLS}")
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

    async def upload(
        self, request: pb.UploadCodeRequest, caller: Principal
    ) -> pb.UploadCodeResponse:
        """
        Keep code, for definitions to name.

        Raises:
            NotPermitted: he may register nothing.
            SwitchedOff: nothing is uploaded here.
            CallRefused: this is not taken; says why.
        """
        self._authority.check(caller)
        if self._uploads is None:
            raise SwitchedOff(*OFF)
        stored = await self._uploads.upload(
            request.content, request.file_name, request.signature, caller
        )
        return pb.UploadCodeResponse(sha256=stored.sha256, signed_by=stored.signed_by)
