"""
A service with real admission and real cells on a loopback port, whose callers say who they are:
metadata that no server would believe, for tests of what follows once a caller is known.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import grpc
from principals import SaysWho
from toolcell.v1.execution_pb2_grpc import ToolExecutionServiceStub
from toolcell.v1.registry_pb2_grpc import ToolRegistryServiceStub
from toolcell_server import registry_service, service, settings
from toolcell_server.app import App
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.principal import Principal
from toolcell_server.registry_service import RegistryService
from toolcell_server.service import ExecutionService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

HEADER = "x-test-principal"


def _said(metadata: Mapping[str, Any], origin: str) -> Principal:
    fields: dict[str, Any] = json.loads(metadata.get(HEADER, "{}"))
    sets = {key: frozenset(fields.pop(key, ())) for key in ("roles", "scopes")}
    return Principal(**{**fields, **sets, "origin": origin})


def who(**fields: Any) -> tuple[tuple[str, str], ...]:
    """
    The metadata of a caller.
    """
    return ((HEADER, json.dumps(fields)),)


class Callers:
    """
    Stubs of a running service, and the parts of it.
    """

    def __init__(self, app: App, channel: grpc.aio.Channel) -> None:
        self.app = app
        self.executions: Any = ToolExecutionServiceStub(channel)
        self.registry: Any = ToolRegistryServiceStub(channel)


@contextlib.asynccontextmanager
async def callers(folder: Path, toml: str) -> AsyncIterator[Callers]:
    """
    A service with these settings, for as long as the context lasts.
    """
    file = folder / "toolcell.toml"
    file.write_text(toml)
    app = App(settings.read(str(file)))
    async with contextlib.AsyncExitStack() as opened:
        opened.callback(app.database.close)
        admission = await opened.enter_async_context(app.without_a_face())
        server = grpc.aio.server(
            interceptors=[ErrorInterceptor(), SaysWho(_said)], options=[("grpc.so_reuseport", 0)]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        service.add_to(server, ExecutionService(app.executions, admission))
        registry_service.add_to(server, RegistryService(app.tools))
        await server.start()
        opened.push_async_callback(server.stop, None)
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        opened.push_async_callback(channel.close)
        yield Callers(app, channel)
