"""
A real ToolRegistryService on loopback, without cells: callers are who they say, and have the scopes
that they say.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from principals import SaysWho
from served import refusal
from toolcell.v1 import registry_pb2 as pb
from toolcell.v1.registry_pb2_grpc import ToolRegistryServiceStub
from toolcell_server import registry_service
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.made import Made
from toolcell_server.permitted import PermittedTools
from toolcell_server.principal import Principal
from toolcell_server.redaction import Redactor
from toolcell_server.registering import parts
from toolcell_server.registry_service import RegistryService
from toolcell_server.rights import Rights
from toolcell_server.searching.search import Search
from toolcell_server.settings import AuthSettings
from toolcell_server.settings.audit import AuditSettings
from toolcell_server.settings.registry import RegistrySettings
from toolcell_server.settings.values import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

T = TypeVar("T")
ALL = "toolcell:tools,tools:*"
OWN = "toolcell:own_tools"
SECRET = "a-secret-of-the-operator"  # that redaction knows


def definition(
    name: str = "upper", *, argv: tuple[str, ...] = ("/usr/bin/tr",), **manifest: Any
) -> pb.ToolDefinition:
    """
    A command; `scope` is that of the contract.
    """
    scope = manifest.pop("scope", 0)
    told = {
        "name": name,
        "description": f"The tool {name}.",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
        **manifest,
    }
    return pb.ToolDefinition(
        manifest_json=json.dumps(told).encode(),
        scope=scope,
        command=pb.CommandSource(argv=argv, stdin="{text}", result="text"),
    )


def by_metadata(metadata: Mapping[str, Any], origin: str) -> Principal:
    """
    Takes `x-name`, `x-scopes` and `x-session` for who calls.
    """
    return Principal(
        name=str(metadata.get("x-name", "")),
        scopes=frozenset(filter(None, str(metadata.get("x-scopes", "")).split(","))),
        session=str(metadata.get("x-session", "")),
        origin=origin,
    )


class Caller:
    """
    Somebody with a channel.  `name` and so on are what he says of himself.
    """

    def __init__(self, channel: Any, name: str, scopes: str, session: str = "") -> None:
        self._stub: Any = ToolRegistryServiceStub(channel)
        self._said = (("x-name", name), ("x-scopes", scopes), ("x-session", session))

    def call(self, method: str, request: Any) -> Any:
        return getattr(self._stub, method)(request, metadata=self._said)

    async def register(self, *definitions: pb.ToolDefinition, **how: Any) -> list[list[str]]:
        """
        The codes of what is wrong with each; none: it is registered.
        """
        request = pb.RegisterToolsRequest(definitions=definitions, **how)
        answer = await self.call("RegisterTools", request)
        assert all(bool(each.tools) != bool(each.faults) for each in answer.definitions)
        return [[fault.code for fault in each.faults] for each in answer.definitions]

    async def names(self) -> list[str]:
        """
        What is listed for him.
        """
        listed = await self.call("ListTools", pb.ListToolsRequest(page_size=1000))
        return [f"{tool.name} {tool.version}" for tool in listed.tools]

    async def get(self, name: str, version: str = "") -> pb.Tool:
        found = await self.call("GetTool", pb.GetToolRequest(name=name, version=version))
        return found.tool  # type: ignore[no-any-return]

    async def refused(self, method: str, request: Any) -> tuple[str, str, str]:
        """
        The code, the reason and the words of a refusal.
        """
        call = self.call(method, request)
        code, info = await refusal(call)
        return code, info.reason, await call.details()

    async def refused_watch(self) -> tuple[str, str]:
        """
        The code and the reason of a stream that is refused.
        """
        stream = self.call("WatchTools", pb.WatchToolsRequest())
        code, info = await refusal(stream.read())
        return code, info.reason

    async def refused_get(self, name: str) -> tuple[str, str, str]:
        return await self.refused("GetTool", pb.GetToolRequest(name=name))


class Served:
    """
    The service and what is behind it.
    """

    def __init__(self, app: Any, book: Any, channel: grpc.aio.Channel) -> None:
        self.app = app
        self.book = book
        self._channel = channel

    def caller(self, name: str, scopes: str = OWN, session: str = "") -> Caller:
        return Caller(self._channel, name, scopes, session)


@contextlib.asynccontextmanager
async def registering(
    folder: str = "", auditing: Any = None, sessions: Any = None, **settings: Any
) -> AsyncIterator[Served]:
    """
    `folder` is where it keeps what outlives it; `settings` are those of `[registry]`.
    """
    app = Made(
        Settings(
            auth=AuthSettings(enabled=True),
            registry=RegistrySettings(**{"enabled": True, **settings}),
            audit=AuditSettings(enabled=False),
            state_dir=folder,
        )
    )
    app.auditing = auditing
    app.redactor = Redactor.of([SECRET], (), ())
    app.tools = PermittedTools(app.registry, Rights(authenticated=True))
    app.registrar = parts.registrar(app)
    watching = parts.watching(app)
    server = grpc.aio.server(
        interceptors=[SaysWho(by_metadata), ErrorInterceptor()],
        options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 16 * 2**20)],
    )
    port = server.add_insecure_port("127.0.0.1:0")
    search, porting = Search(app.registry, app.tools), parts.porting(app)
    face = RegistryService(
        app.tools, app.registrar, watching, search=search, porting=porting, sessions=sessions
    )
    registry_service.add_to(server, face)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert app.registrar is not None
            yield Served(app, app.registrar.book, channel)
    finally:
        app.registry.changes.close()
        await server.stop(None)
        app.database.close()


def played(scenario: Callable[[Served], Awaitable[T]], **settings: Any) -> T:
    """
    What a scenario on a server of its own returns.
    """

    async def whole() -> T:
        async with registering(**settings) as served:
            return await scenario(served)

    return asyncio.run(whole())
