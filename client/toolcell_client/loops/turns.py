"""
What a client does for a loop with a model: offering tools, and executing what it called.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from toolcell_client.formats.providers import format_of
from toolcell_client.formats.toolset import Toolset
from toolcell_client.loops.approving import decisions_about
from toolcell_client.loops.choosing import Listed
from toolcell_client.loops.kept import KeptResults, readable
from toolcell_client.loops.settings import TurnSettings, check_streamed, check_toolset
from toolcell_client.loops.streaming import Turning, TurnStream
from toolcell_client.loops.turn_state import TurnState
from toolcell_client.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Unpack

    from toolcell_client.client import Client
    from toolcell_client.connection import Connection
    from toolcell_client.formats.offered import OfferedTool
    from toolcell_client.loops.approving import Ask, Decisions
    from toolcell_client.loops.settings import TurnOptions
    from toolcell_client.loops.turn_result import TurnResult


class Turns(Tools):
    """
    A part of `Client`.  `kept_results` are those that turns cut which name no store.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.kept_results = KeptResults()

    def toolset(
        self,
        *names: str,
        category: str = "",
        tags: Iterable[str] = (),
        session_id: str = "",
        extra: Iterable[OfferedTool] = (),
    ) -> Toolset:
        """
        Tools to offer: of each the newest version that can be called and is not deprecated, and
        `extra` ones, which the server does not have.

        Raises:
            NoSuchTools: a name cannot be offered; says why, and which names are close.
            CallRefused, ServerUnreachable: the server does not list its tools.
        """
        listed = Listed()
        for tool in self.list_tools(category=category, tags=tags, session_id=session_id):
            listed.add(tool)
        return Toolset(listed.chosen(names, extra))

    def tools_for(
        self,
        provider: str,
        *names: str,
        category: str = "",
        tags: Iterable[str] = (),
        session_id: str = "",
        read_result: bool = True,
        **options: Any,
    ) -> list[dict[str, Any]]:
        """
        The value of `tools` in a request to a provider, for a loop around `run_tool_calls`;
        `options` are those of `Toolset.definitions`.  `read_result`: with the tool that reads the
        rest of results that were cut, which `run_tool_calls` answers; unless a tool of the server's
        is called so.

        Raises:
            ValueError: there is no such provider; or as `toolset`.
        """
        tools = self.toolset(*names, category=category, tags=tags, session_id=session_id)
        return (readable(tools) if read_result else tools).definitions(provider, **options)

    @overload
    def run_tool_calls(
        self,
        provider: str,
        response: Any,
        *,
        stream: Literal[False] = False,
        **options: Unpack[TurnOptions],
    ) -> TurnResult: ...

    @overload
    def run_tool_calls(
        self,
        provider: str,
        response: Any,
        *,
        stream: Literal[True],
        **options: Unpack[TurnOptions],
    ) -> TurnStream: ...

    def run_tool_calls(
        self,
        provider: str,
        response: Any,
        *,
        stream: bool = False,
        **options: Unpack[TurnOptions],
    ) -> TurnResult | TurnStream:
        """
        Execute what a model called in one response, and return what it is to be told: append
        `result.turn.messages` and `result.messages` to the history.

        `response` is the provider's, a mapping or an object of its SDK; with `stream=True` it is
        the provider's stream, and what happens is streamed, too.  For the rest see `TurnOptions`.
        Whatever a model wrote is answered to it and never raised; so is a service that cannot be
        reached (see `TurnResult.unanswered`).  Ctrl-C cancels what runs.

        Raises:
            ValueError: it is no response of that provider, or an option has a wrong value.
            TypeError: an option is unknown, or of the wrong type.
            CallRefused, ServerUnreachable: no toolset was given, and the server lists no tools.
        """
        toolset = options.pop("toolset", None)
        settings = TurnSettings.of(**options)
        if toolset is None:
            listed = self.toolset(session_id=options.get("session_id", ""))
            toolset = readable(listed) if settings.kept is None else listed
        check_toolset(toolset)
        settings = settings.keeping(self.kept_results, toolset)
        turning = Turning(cast("Client", self), TurnState(provider, toolset, settings))
        if stream:
            check_streamed(provider, response)
            return TurnStream(turning.streamed(response))
        return TurnStream(turning.whole(format_of(provider).turn(response))).until_ended()

    def resume_tool_calls(
        self,
        result: TurnResult,
        decisions: Decisions,
        *,
        approve: Ask | None = None,
    ) -> TurnResult:
        """
        Go on with calls that are pending, and return the turn with them: `Approve` executes a call
        (again, with the token of its approval), `Deny` tells the model no, `Later` leaves it.
        `decisions`: one for all, or by `PendingCall.key`; True is short for `Approve()`, False for
        `Deny()`.
        `approve` is asked about calls that need a yes which nobody had been asked for.

        Raises:
            ValueError: no call of that key is pending.
            TypeError: something is no decision.
        """
        decided = decisions_about(result.pending, decisions)
        state = TurnState.of(result, replace(result.settings, approve=approve))
        turning = Turning(cast("Client", self), state)
        return TurnStream(turning.resumed(decided)).until_ended()
