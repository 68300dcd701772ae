"""
Runs the calls of one turn in threads.

Theory of operation.  *A stream for each call, not ExecuteBatch.*  A batch is one RPC whose calls
are known when it is sent: it cannot take a call that becomes whole while the model still speaks,
nor one that is sent again with the token of an approval, and one broken connection breaks all.  Nor
`Run`: a thread that waits in it cannot be told to stop, and a stream can be closed from outside,
which cancels its execution.  The price is a thread per call that runs.

*Leaving.*  `close` closes the channel, so that no thread waits for its reader; closes every stream,
so that no thread waits for the server; and then waits for the threads.  A thread that has not sent
its call yet finds `_closed` under the same lock, and sends nothing.

*A slow reader* fills the channel; then the threads stop reading, gRPC's flow control stops the
server, and its journal keeps what it has room for.
"""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_client.errors import ToolcellError
from toolcell_client.loops.channel import Channel
from toolcell_client.loops.events import ExecutionEvent
from toolcell_client.loops.planning import echoed

if TYPE_CHECKING:
    from toolcell_client.client import Client
    from toolcell_client.loops.settings import TurnSettings
    from toolcell_client.loops.turn_state import Run
    from toolcell_client.requests import CallOptions
    from toolcell_client.result import Result
    from toolcell_client.stream import Stream

EVENTS_WAITING = 64  # arbitrary; an event of output has up to 64 KiB


@dataclass(frozen=True, slots=True)
class Ended:
    """
    How a run ended; None: it was never sent.
    """

    run: Run
    outcome: Result | ToolcellError | None


@dataclass(frozen=True, slots=True)
class Broke:
    """
    A defect of this program, to be raised where its user sees it.
    """

    run: Run
    error: BaseException


Happening = ExecutionEvent | Ended | Broke


class Executing:
    """
    The runs of one turn.  `open` are those that have not ended.
    """

    def __init__(self, client: Client, settings: TurnSettings) -> None:
        self._client, self._settings = client, settings
        self._pool = ThreadPoolExecutor(settings.max_concurrent_calls, "toolcell-call")
        self._channel: Channel[Happening] = Channel(EVENTS_WAITING)
        self._streams: set[Stream] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.open = 0

    @property
    def waiting(self) -> int:
        """
        How many happenings nobody has taken yet.
        """
        return len(self._channel)

    def begin(self, run: Run) -> None:
        self.open += 1
        self._pool.submit(self._run, run)

    def take(self) -> Happening:
        """
        Wait for what happens next; only while something is open.
        """
        return self._counted(self._channel.take())

    def poll(self) -> Happening | None:
        happening = self._channel.poll()
        return None if happening is None else self._counted(happening)

    def cancel(self) -> None:
        """
        End what runs and begin no more; the endings follow.
        """
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        for stream in streams:
            with contextlib.suppress(ToolcellError):  # then it goes on, and its ending is awaited
                stream.cancel()

    def close(self) -> None:
        """
        Cancel what runs, and wait until no thread is left.
        """
        with self._lock:
            self._closed = True
            streams = list(self._streams)
        self._channel.close()
        for stream in streams:
            stream.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _counted(self, happening: Happening) -> Happening:
        if not isinstance(happening, ExecutionEvent):
            self.open -= 1
        return happening

    def _run(self, run: Run) -> None:
        try:
            happening: Happening = Ended(run, self._outcome(run))
        except BaseException as exc:  # noqa: BLE001  # raised by whoever takes it
            happening = Broke(run, exc)
        self._channel.put(happening, force=True)

    def _outcome(self, run: Run) -> Result | ToolcellError | None:
        stream = self._opened(run)
        if stream is None:
            return None
        try:
            with stream:
                for event in stream:
                    if event.WhichOneof("event") == "result_chunk":
                        continue
                    if not self._channel.put(ExecutionEvent(run.planned.call, event)):
                        return None
                return stream.result()
        except ToolcellError as exc:
            return exc
        finally:
            with self._lock:
                self._streams.discard(stream)

    def _opened(self, run: Run) -> Stream | None:
        planned = run.planned
        with self._lock:
            if self._closed:
                return None
            stream = self._client.execute(
                planned.call.tool, planned.arguments_json, **options(run, self._settings)
            )
            self._streams.add(stream)
            return stream


def options(run: Run, settings: TurnSettings) -> CallOptions:
    """
    How a call is sent: in the version that was offered, because the arguments are for its schema.
    """
    made: CallOptions = {**settings.call, "request_id": run.planned.request_id}
    made["call_id"] = echoed(run.planned.call.call_id)
    if settings.patience is not None:
        made["timeout"] = settings.patience()
    if run.planned.tool and run.planned.tool.version:
        made["version"] = run.planned.tool.version
    if run.token:
        made["approval_token"], made["approval_pin"] = run.token, run.pin
    return made
