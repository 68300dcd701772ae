"""
The synchronous client.  `AsyncClient` has the same methods, awaited.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import registry_pb2, statistics_pb2

from toolcell_client.approvals import Approvals
from toolcell_client.connection import Connection
from toolcell_client.deadline import Deadline
from toolcell_client.errors import EventsExpired, ToolcellError
from toolcell_client.folding import run_ended
from toolcell_client.options import ClientOptions
from toolcell_client.registry import Registry
from toolcell_client.requests import call_fields, executions_page, tools_page
from toolcell_client.sessions import ClientSession, Sessions
from toolcell_client.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Self, Unpack

    from toolcell_client.options import ConnectOptions
    from toolcell_client.requests import Arguments, CallOptions
    from toolcell_client.result import Result
    from toolcell_client.session_requests import SessionOptions


class Client:
    """
    Calls tools.  Safe to use from many threads; connects when it is first used.

    Takes `target` (`host:port`; "": the environment's TOOLCELL_TARGET, else 127.0.0.1:50051) and,
    by name, the other values of `ClientOptions`.
    """

    def __init__(self, target: str = "", **options: Unpack[ConnectOptions]) -> None:
        self.options = ClientOptions(target=target, **options)
        self._connection = Connection(self.options)
        self.approvals = Approvals(self._connection)
        self.sessions = Sessions(self._connection)
        self.registry = Registry(self._connection)
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    def run(self, tool: str, arguments: Arguments = None, **options: Unpack[CallOptions]) -> Result:
        """
        Run a tool and return its ending, whatever it is: see `Result.raise_for_outcome`.

        `arguments` is a mapping, or a JSON object as str or bytes; for the rest see `CallOptions`.
        Ctrl-C cancels the execution, unless it is `detached`.

        Raises:
            CallRefused: nothing ran; the subclass says why.
            ServerUnreachable: no server answers; `ConnectionLost` if the call had been sent.
            CallTimedOut: the server did not answer in time.
            TypeError: the arguments, or an option, are of a type that cannot be sent.
            ValueError: the arguments, or an option, have a value that cannot be sent.
        """
        options.setdefault("timeout", self.options.timeout)
        fields = call_fields(tool, arguments, **options)
        deadline = Deadline.of(options["timeout"])
        try:
            response = self._connection.run(pb.RunRequest(**fields), deadline)
        except ToolcellError as exc:
            return self._stream(deadline, pb.ExecuteRequest(**fields)).resume(exc).result()
        except BaseException:  # Ctrl-C, for one: whoever leaves must not leave a tool running
            self._stream(deadline, pb.ExecuteRequest(**fields)).close()
            raise
        return run_ended(response) or self._read(response.execution_id)

    def execute(
        self, tool: str, arguments: Arguments = None, **options: Unpack[CallOptions]
    ) -> Stream:
        """
        Run a tool and stream its events.  Arguments and options as `run`.

        The call is sent at once; a refusal is raised by the first read.

        Raises:
            TypeError: the arguments, or an option, are of a type that cannot be sent.
            ValueError: the arguments, or an option, have a value that cannot be sent.
        """
        options.setdefault("timeout", self.options.timeout)
        fields = call_fields(tool, arguments, **options)
        deadline = Deadline.of(options["timeout"])
        return self._stream(deadline, pb.ExecuteRequest(**fields)).start()

    def session(self, **options: Unpack[SessionOptions]) -> ClientSession:
        """
        Make a session: `with client.session() as session: session.run(…)`; it ends with the block.
        """
        return ClientSession(self, self.sessions.create(**options))

    def watch(self, execution_id: str, after_sequence: int = 0) -> Stream:
        """
        Stream the events of an execution again, those with a greater sequence only.
        """
        return self._stream(Deadline(None), None, execution_id, after_sequence).start()

    def cancel(self, execution_id: str) -> pb.Execution:
        """
        End an execution now.  Not an error if it has ended already.
        """
        return self._connection.cancel(execution_id)

    def get_execution(self, execution_id: str) -> pb.Execution:
        request = pb.GetExecutionRequest(execution_id=execution_id)
        return self._connection.ask(self._connection.executions.GetExecution, request).execution

    def list_executions(
        self, *, state: str | int = "", tool: str = "", principal: str = "", page_size: int = 0
    ) -> Iterator[pb.Execution]:
        """
        Executions, newest first; `state` is "queued", "running" or "finished".
        """
        request = executions_page(state, tool, principal, page_size)
        while True:
            page = self._connection.ask(self._connection.executions.ListExecutions, request)
            yield from page.executions
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def list_tools(
        self,
        *,
        category: str = "",
        tags: Iterable[str] = (),
        state: str | int = "",
        page_size: int = 0,
    ) -> Iterator[registry_pb2.Tool]:
        """
        Tools by name, newest version first; `state` is "available", "broken" or "disabled".
        """
        request = tools_page(category, tags, state, page_size)
        while True:
            page = self._connection.ask(self._connection.registry.ListTools, request)
            yield from page.tools
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def get_tool(self, name: str, version: str = "") -> registry_pb2.Tool:
        request = registry_pb2.GetToolRequest(name=name, version=version)
        return self._connection.ask(self._connection.registry.GetTool, request).tool

    def tool_stats(
        self, name: str = "", version: str = "", *, page_size: int = 0
    ) -> Iterator[statistics_pb2.ToolStats]:
        """
        What is known of tools from the calls that they had: of all, of one, or of one version.
        """
        request = statistics_pb2.GetToolStatsRequest(
            name=name, version=version, page_size=page_size
        )
        while True:
            page = self._connection.ask(self._connection.registry.GetToolStats, request)
            yield from page.stats
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def search_tools(
        self, query: str, *, max_results: int = 0, category: str = "", tags: Iterable[str] = ()
    ) -> registry_pb2.SearchToolsResponse:
        """
        The tools that are most useful for what somebody says in his own words, the best first: five
        unless `max_results` says otherwise.

        Raises:
            InvalidField: the query is empty or too long.
        """
        request = registry_pb2.SearchToolsRequest(
            query=query, max_results=max_results, category=category, tags=tags
        )
        return self._connection.ask(self._connection.registry.SearchTools, request)

    def close(self) -> None:
        """
        Close every stream that is still open, which cancels its execution, then the connection.
        """
        for stream in list(self._streams):
            stream.close()
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _stream(
        self,
        deadline: Deadline,
        request: pb.ExecuteRequest | None,
        execution_id: str = "",
        after_sequence: int = 0,
    ) -> Stream:
        stream = Stream(
            self._connection,
            deadline,
            request=request,
            execution_id=execution_id,
            after_sequence=after_sequence,
        )
        self._streams.add(stream)
        return stream

    def _read(self, execution_id: str) -> Result:
        # A result too large for `Run`; its beginning may have left the journal, its end has not.
        try:
            return self.watch(execution_id).result()
        except EventsExpired as exc:
            return self.watch(execution_id, exc.earliest_sequence - 1).result()
