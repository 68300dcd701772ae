"""
A fake toolcell server: real gRPC over a loopback socket, scripted tools, no cells.

Theory of operation.  It keeps the promises that a client relies on: events are numbered without
gaps and replayed by `Watch`, a call with a known `request_id` joins the first, `CancelExecution`
is idempotent.  Beyond that it can misbehave on request: refuse, break a stream after so many
events, forget executions.  A broken stream looks as gRPC reports a lost connection: UNAVAILABLE
without details.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from toolcell.v1 import execution_pb2 as pb
from toolcell.v1 import execution_pb2_grpc, registry_pb2, registry_pb2_grpc

from toolcell_client.testing.execution import FakeExecution
from toolcell_client.testing.refusing import Refusing
from toolcell_client.testing.registry import FakeRegistryService, unknown_tool
from toolcell_client.testing.script import Payload
from toolcell_client.testing.service import FakeExecutionService

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

Script = Callable[[bytes], Iterable[Payload]]
THREADS = 32  # each open stream takes one


class FakeServer:
    """
    Serves scripted tools at `target` while entered.  `requests` are the calls that came, `cancels`
    the ids that were to be cancelled, both in order.
    """

    def __init__(self) -> None:
        self.requests: list[pb.ExecuteRequest | pb.RunRequest] = []
        self.watches: list[pb.WatchRequest] = []
        self.cancels: list[str] = []
        self.executions: dict[str, FakeExecution] = {}
        self.tools: dict[str, registry_pb2.Tool] = {}
        self._scripts: dict[str, Script] = {}
        self._refusals: dict[str, deque[Refusing]] = defaultdict(deque)
        self._drops: dict[str, deque[int]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(THREADS), options=[("grpc.so_reuseport", 0)]
        )
        execution_pb2_grpc.add_ToolExecutionServiceServicer_to_server(
            FakeExecutionService(self), self._server
        )
        registry_pb2_grpc.add_ToolRegistryServiceServicer_to_server(
            FakeRegistryService(self.tools),  # type: ignore[abstract]  # the rest: UNIMPLEMENTED
            self._server,
        )
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def tool(
        self,
        name: str,
        *script: Payload,
        respond: Script | None = None,
        parameters: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """
        Register a tool that plays `script`, or what `respond(arguments_json)` returns.  `fields`
        are those of `registry_pb2.Tool`.
        """
        schema = json.dumps(parameters or {"type": "object"}).encode()
        fields = {"version": "1", "state": registry_pb2.TOOL_STATE_AVAILABLE, **fields}
        self.tools[name] = registry_pb2.Tool(name=name, parameters_json=schema, **fields)
        self._scripts[name] = respond or (lambda _: script)

    def refuse(
        self, tool: str, code: grpc.StatusCode, reason: str = "", times: int = 1, **said: Any
    ) -> None:
        """
        Refuse the next calls of a tool; `said` are the other fields of `Refusing`.
        """
        self._refusals[tool].extend([Refusing(code=code, reason=reason, **said)] * times)

    def drop(self, tool: str, *after: int) -> None:
        """
        Break the next stream of a tool after that many of its events; several: one stream each.
        """
        self._drops[tool].extend(after)

    def release(self, tool: str) -> None:
        """
        Let the executions of a tool go on from where they hold.
        """
        for execution in list(self.executions.values()):
            if execution.request.tool == tool:
                execution.play()

    def forget(self) -> None:
        """
        Forget every execution, as a server that was started again.
        """
        self.executions.clear()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """
        Break every call, and stop.
        """
        self._server.stop(0).wait()

    def wait_for(self, reached: Callable[[], bool], seconds: float = 10.0) -> None:
        """
        Wait until something that calls change is so, as `lambda: server.cancels`.

        Raises:
            TimeoutError: it was not, in that time.
        """
        with self._changed:
            if not self._changed.wait_for(reached, seconds):
                raise TimeoutError(f"not reached within {seconds:g} s")

    def note(self, change: Callable[[], Any]) -> None:
        """
        For the services: change what is recorded, and wake whoever waits for it.
        """
        with self._changed:
            change()
            self._changed.notify_all()

    def admit(self, request: pb.ExecuteRequest | pb.RunRequest, context: Any) -> FakeExecution:
        """
        For the services: refuse the call, join the execution of its `request_id`, or start one.
        """
        self.note(lambda: self.requests.append(request))
        if self._refusals[request.tool]:
            self._refusals[request.tool].popleft().abort(context)
        script = self._scripts.get(request.tool)
        if script is None:
            unknown_tool(request.tool, self.tools).abort(context)
        for execution in self.executions.values():
            if request.request_id and execution.request.request_id == request.request_id:
                return execution
        execution = FakeExecution(request, script(request.arguments_json))
        self.note(lambda: self.executions.update({execution.execution_id: execution}))
        return execution

    def next_drop(self, tool: str) -> int | None:
        """
        For the services: after how many events the stream that begins now is to break.
        """
        return self._drops[tool].popleft() if self._drops[tool] else None
