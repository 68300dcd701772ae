"""
The synchronous client.  `AsyncClient` has the same methods, awaited.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_client.approvals import Approvals
from toolcell_client.batch_stream import BatchStream
from toolcell_client.batching import batch_request
from toolcell_client.closing import Closing
from toolcell_client.connection import Connection
from toolcell_client.deadline import Deadline
from toolcell_client.errors import EventsExpired, ToolcellError
from toolcell_client.folding import run_ended
from toolcell_client.hosting.host import Host
from toolcell_client.loops.turns import Turns
from toolcell_client.options import ClientOptions
from toolcell_client.registry import Registry
from toolcell_client.requests import call_fields, executions_page
from toolcell_client.sessions import ClientSession, Sessions
from toolcell_client.stream import Stream
from toolcell_client.workflows import Workflows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from toolcell_client.batching import BatchCalls
    from toolcell_client.hosting.options import HostOptions
    from toolcell_client.options import ConnectOptions
    from toolcell_client.requests import Arguments, CallOptions
    from toolcell_client.result import Result
    from toolcell_client.session_requests import SessionOptions


class Client(Turns, Closing):
    """
    Calls tools.  Safe to use from many threads; connects when it is first used.

    Takes `target` (`host:port`; "": the environment's TOOLCELL_TARGET, else 127.0.0.1:50051) and,
    by name, the other values of `ClientOptions`.
    """

    def __init__(self, target: str = "", **options: Unpack[ConnectOptions]) -> None:
        self.options = ClientOptions(target=target, **options)
        super().__init__(Connection(self.options))
        self.approvals = Approvals(self._connection)
        self.sessions = Sessions(self._connection)
        self.registry = Registry(self._connection)
        self.workflows = Workflows(self._connection)
        self._streams: weakref.WeakSet[Stream | BatchStream] = weakref.WeakSet()

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

    def batch(
        self,
        calls: BatchCalls,
        *,
        max_parallel: int = 0,
        stop_on_failure: bool = False,
        timeout: float | None = None,
    ) -> BatchStream:
        """
        Run several calls in one RPC and stream what happens to each; its `results` are all endings.

        A call is `{"tool": …, "arguments": …}` with any option of `run`, or `(tool, arguments)`.
        `max_parallel`: how many run at once; 1 is one after the other, 0 as many as the server
        allows.  `stop_on_failure`: begin no more once one has failed.  `timeout` is of all.

        Raises:
            TypeError: a call, or a value in it, is of a type that cannot be sent.
            ValueError: a value cannot be sent; names it.
        """
        request = batch_request(calls, max_parallel, stop_on_failure=stop_on_failure)
        stream = BatchStream(self._connection, request, Deadline.of(timeout))
        self._streams.add(stream)
        return stream

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

    def host(self, *functions: Any, **options: Unpack[HostOptions]) -> Host:
        """
        A host of these functions, and of those that `host.tool` decorates; it serves in `host.run`.
        See `HostOptions`.

        Raises:
            BadTool: a function cannot be hosted as it is.
        """
        return Host(self.options, functions, **options)

    def hosting(self, *functions: Any, **options: Unpack[HostOptions]) -> Host:
        """
        The same, for `with`: inside, the functions can be called as tools.
        """
        return self.host(*functions, **options)

    def close(self) -> None:
        """
        Close every stream that is still open, which cancels its execution, then the connection.
        """
        for stream in list(self._streams):
            stream.close()
        self._connection.close()

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
