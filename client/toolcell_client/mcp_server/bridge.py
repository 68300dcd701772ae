"""
The MCP server: what answers each request, in both eras.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import difflib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp import MCPError
from mcp.server.lowlevel import NotificationOptions, Server
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from toolcell_client.errors import ToolcellError, UnknownTool
from toolcell_client.mcp_server import searching
from toolcell_client.mcp_server.answering import answer, refusal
from toolcell_client.mcp_server.asking import Answer, Asker
from toolcell_client.mcp_server.calling import (
    LEVEL,
    BadArguments,
    Call,
    arguments_of,
    session_of,
)
from toolcell_client.mcp_server.describing import described, result_shape

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext
    from mcp.server.models import InitializationOptions

    from toolcell_client.mcp_server.identities import Identities, Identity

    Context = ServerRequestContext[Any, Any]

PAGE_TOOLS = 100  # arbitrary; a page is one message
TTL_MILLISECONDS = 60_000  # arbitrary; a client that does not listen for changes looks again
FOLLOWS = "toolcell.follows"  # in the state of a session
IDENTITY = "toolcell.identity"  # where http.py puts it in the scope of a request
INSTRUCTIONS = (
    "Each tool runs in a sandbox of its own, with only the files and hosts that its call needs."
    " A result with isError says what went wrong and, in `hint`, what to do about it."
)


class Bridge(Server[Any]):
    """
    Serves what the identity of each request may call.
    """

    def __init__(self, identities: Identities, *, search: bool = False) -> None:
        super().__init__(
            "toolcell",
            version=version("toolcell"),
            instructions=INSTRUCTIONS,
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
            on_subscriptions_listen=self.listen,
        )
        self.identities = identities
        self.search = search
        self.asker = Asker()
        self.add_notification_handler(
            "notifications/initialized", types.NotificationParams, self._initialized
        )
        self.add_request_handler("logging/setLevel", types.SetLevelRequestParams, self._level)

    def create_initialization_options(
        self, notification_options: NotificationOptions | None = None, *more: Any, **named: Any
    ) -> InitializationOptions:
        """
        For the eras that begin with `initialize`.
        """
        told = notification_options or NotificationOptions(tools_changed=True)
        return super().create_initialization_options(told, *more, **named)

    async def list_tools(
        self, context: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """
        One page, by name.
        """
        if self.search:
            tools = list(searching.TOOLS)
            return types.ListToolsResult(
                tools=tools, ttl_ms=TTL_MILLISECONDS, cache_scope="private"
            )
        after = _after(params.cursor if params else None)
        modern = is_modern(context)
        with self.identity(context) as identity:
            rest = [each for each in await self._tools(identity) if each.name > after]
        page = rest[:PAGE_TOOLS]
        more = len(rest) > len(page)
        return types.ListToolsResult(
            tools=[described(each, modern=modern) for each in page],
            next_cursor=_cursor(page[-1].name) if more else None,
            ttl_ms=TTL_MILLISECONDS,
            cache_scope="private",
        )

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> Answer:
        """
        Run one, or go on with one that a person was asked about.
        """
        with self.identity(context) as identity:
            if self.search and params.name == searching.FIND:
                choice = self.identities.choice
                return await searching.found(identity, choice, params.arguments or {})
            if self.search and params.name == searching.CALL:
                inner = searching.within(params)
                if inner is None:
                    return refusal("invalid_arguments", "name must be a text.", "Call again.")
                params = inner
            return await self._call(identity, context, params)

    async def _call(
        self, identity: Identity, context: Context, params: types.CallToolRequestParams
    ) -> Answer:
        tools = {each.name: each for each in await self._tools(identity)}
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(code=types.INVALID_PARAMS, message=_unknown(params.name, tools))
        try:
            arguments = arguments_of(params.arguments)
        except BadArguments as exc:
            return refusal("invalid_arguments", str(exc), "Send arguments that are plain JSON.")
        call = Call(identity=identity, tool=tool, arguments=arguments, context=context)
        modern = is_modern(context)
        if modern and params.request_state is not None:
            responses = params.input_responses
            outcome = await self.asker.answered(call, params.request_state, responses)
        else:
            outcome = await self.asker.run(call, modern)
        if isinstance(outcome, UnknownTool):  # gone since it was listed
            raise MCPError(code=types.INVALID_PARAMS, message=_unknown(params.name, tools))
        if isinstance(outcome, (types.CallToolResult, types.InputRequiredResult)):
            return outcome
        return answer(outcome, result_shape(tool, modern=modern))

    async def listen(
        self, context: Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """
        Tell of changes, for as long as the request lasts.
        """
        with self.identity(context) as identity:
            identity.catalogue.follow()
            return await identity.listen(context, params)

    def identity(self, context: Context) -> Identity:
        """
        Whose request it is.
        """
        if context.request is None:
            return self.identities.own
        found: Identity = context.request.scope[IDENTITY]
        return found

    async def _level(
        self, context: Context, params: types.SetLevelRequestParams
    ) -> types.EmptyResult:
        session_of(context).state[LEVEL] = params.level
        return types.EmptyResult()

    async def _tools(self, identity: Identity) -> Any:
        try:
            return await identity.catalogue.tools()
        except ToolcellError as exc:
            raise MCPError(code=types.INTERNAL_ERROR, message=str(exc)) from exc

    async def _initialized(self, context: Context, _: types.NotificationParams) -> None:
        """
        Tell a client of the older eras of changes, for as long as its session lasts.
        """
        connection = session_of(context)
        if connection.state.setdefault(FOLLOWS, context) is not context:
            return  # it says so again, and is told as often as before
        listeners = self.identity(context).catalogue.listeners
        tasks: set[asyncio.Task[None]] = set()

        def changed() -> None:
            if tasks:  # it has not taken the last one yet
                return
            task = asyncio.create_task(connection.send_tool_list_changed())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        listeners.add(changed)
        connection.exit_stack.callback(listeners.discard, changed)
        self.identity(context).catalogue.follow()


def is_modern(context: Context) -> bool:
    """
    Whether the request stands alone: 2026-07-28 or later.
    """
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS


def _unknown(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name[:64], known, 3)
    return f"Unknown tool: {name[:64]}" + (f"; did you mean {', '.join(close)}?" if close else "")


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _after(cursor: str | None) -> str:
    """
    The name after which a page begins.

    Raises:
        MCPError: the cursor is none of ours.
    """
    if not cursor:
        return ""
    try:
        return base64.b64decode(cursor, b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise MCPError(code=types.INVALID_PARAMS, message="unknown cursor") from exc
