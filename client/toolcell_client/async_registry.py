"""
The same as `registry.py`, awaited.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import grpc
from toolcell.v1 import registry_pb2 as pb

from toolcell_client.definitions import Which, deprecation, registration
from toolcell_client.porting import exporting, importing
from toolcell_client.registry import RELOAD_SECONDS
from toolcell_client.translation import translate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Unpack

    from toolcell_client.async_connection import AsyncConnection
    from toolcell_client.definitions import Definition, Registering, Whose


class AsyncRegistry:
    """
    What this client's principal may register and change; see `Registry`.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def register(
        self, definitions: Iterable[Definition], **how: Unpack[Registering]
    ) -> Sequence[pb.RegisteredDefinition]:
        """
        Register tools.
        """
        answer = await self._ask("RegisterTools", registration(definitions, **how))
        return list(answer.definitions)

    async def unregister(
        self, name: str, version: str = "", **whose: Unpack[Whose]
    ) -> Sequence[pb.Tool]:
        """
        Remove a tool; the versions that went.
        """
        which = Which(name, version, **whose)
        request = pb.UnregisterToolRequest(**which.fields())
        return list((await self._ask("UnregisterTool", request)).tools)

    async def deprecate(
        self,
        name: str,
        reason: str,
        *,
        version: str = "",
        sunset: datetime | None = None,
        **whose: Unpack[Whose],
    ) -> Sequence[pb.Tool]:
        """
        Say that a tool should no longer be used, and from when on calls of it are refused.
        """
        request = deprecation(Which(name, version, **whose), reason, sunset)
        return list((await self._ask("DeprecateTool", request)).tools)

    async def reactivate(
        self, name: str, version: str = "", **whose: Unpack[Whose]
    ) -> Sequence[pb.Tool]:
        """
        Take that back.
        """
        which = Which(name, version, **whose)
        request = pb.ReactivateToolRequest(**which.fields())
        return list((await self._ask("ReactivateTool", request)).tools)

    async def export(
        self, names: Iterable[str] = (), scope: str = ""
    ) -> AsyncIterator[dict[str, Any]]:
        """
        What is registered, as JSON values that `import_` takes: all that this principal may change,
        or only tools of these names, in which `*` stands for any letters, or of one scope.
        """
        request = exporting(names, scope)
        while True:
            page = await self._ask("ExportTools", request)
            for encoded in page.definitions_json:
                yield json.loads(encoded)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def import_(
        self,
        definitions: Iterable[Mapping[str, Any]],
        *,
        on_conflict: str = "fail",
        validate_only: bool = False,
    ) -> pb.ImportToolsResponse:
        """
        Register what was exported, all or nothing; where another tool of the same name, version and
        scope is registered, "fail", "skip" or "replace" it.

        Raises:
            ValueError, TypeError: something is no JSON, or no such choice.
        """
        request = importing(definitions, on_conflict, validate_only=validate_only)
        return cast("pb.ImportToolsResponse", await self._ask("ImportTools", request))

    async def history(
        self, name: str = "", page_size: int = 0
    ) -> AsyncIterator[pb.ToolHistoryEntry]:
        """
        Who did what to registered tools, newest first.
        """
        request = pb.ListToolHistoryRequest(name=name, page_size=page_size)
        while True:
            page = await self._ask("ListToolHistory", request)
            for entry in page.entries:
                yield entry
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def watch(
        self, resume_token: str = "", *, session_id: str = ""
    ) -> AsyncIterator[pb.WatchToolsResponse]:
        """
        Follow the tools that this principal may call.
        """
        request = pb.WatchToolsRequest(resume_token=resume_token, session_id=session_id)
        while True:
            metadata = self._connection.options.call_metadata()
            stream: Any = self._connection.registry.WatchTools(request, metadata=metadata)
            try:
                while (told := await stream.read()) is not grpc.aio.EOF:
                    request.resume_token = told.resume_token or request.resume_token
                    yield told
            except asyncio.CancelledError:
                self._connection.raise_unless_cancelled()
                raise
            except grpc.RpcError as exc:
                raise translate(exc, self._connection.options.target) from exc
            finally:
                stream.cancel()

    async def reload(self, bundle: str = "") -> Sequence[pb.BundleReload]:
        """
        Load a bundle of the settings again, or all of them; what became of each.
        """
        request = pb.ReloadToolsRequest(bundle=bundle)
        reload = self._connection.registry.ReloadTools
        return list((await self._connection.ask(reload, request, RELOAD_SECONDS)).bundles)

    async def upload(
        self, content: bytes, file_name: str, signature: bytes = b""
    ) -> pb.UploadCodeResponse:
        """
        Store a Python file, a zip or a wheel, for definitions to name: `{"upload": {"sha256": …}}`.
        `signature` is of Ed25519, over the SHA-256 of the content.
        """
        request = pb.UploadCodeRequest(content=content, file_name=file_name, signature=signature)
        answer: pb.UploadCodeResponse = await self._ask("UploadCode", request)
        return answer

    async def _ask(self, method: str, request: Any) -> Any:
        return await self._connection.ask(getattr(self._connection.registry, method), request)
